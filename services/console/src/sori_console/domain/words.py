"""Every string of the console, Korean and English."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Language(StrEnum):
    """A language of the console; the first is the usual one."""

    KO = "ko"
    EN = "en"


def choose(asked: str, remembered: str, accepted: str) -> Language:
    """Pick the language: what the address asks for, what the cookie remembers, what the browser prefers, Korean."""
    for given in (asked, remembered, *_preferred(accepted)):
        primary = given.strip().lower().partition("-")[0]
        if primary in set(Language):
            return Language(primary)
    return Language.KO


def _preferred(accepted: str) -> list[str]:
    """Order an Accept-Language value by its weights; a part that cannot be read counts for nothing."""
    weighed = []
    for part in accepted.split(",")[:20]:
        tag, _, parameter = part.partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            weight = 0.0
        if tag.strip() and weight > 0:
            weighed.append((-weight, tag))
    return [tag for _, tag in sorted(weighed, key=lambda each: each[0])]


@dataclass(frozen=True, slots=True)
class Words:
    """The catalogue in one language."""

    language: Language

    def __call__(self, key: str, **values: object) -> str:
        """Give the string `key`; its {placeholders} are filled from `values`."""
        return CATALOGUE[key][self._index].format(**values)

    def label(self, group: str, code: str) -> str:
        """Name a code of a group (`channel`, `topic`, …); one that the catalogue lacks is shown readable as it is."""
        found = CATALOGUE.get(f"{group}.{code}")
        return found[self._index] if found else code.replace("_", " ").replace(".", " · ")

    @property
    def _index(self) -> int:
        return 0 if self.language is Language.KO else 1


CATALOGUE: Mapping[str, tuple[str, str]] = {
    # The frame of every page
    "app.name": ("Sori 소리", "Sori"),
    "app.tagline": ("고객과 직원의 목소리를 한자리에서", "Customers and staff, heard side by side"),
    "nav.skip_feed": ("피드로 건너뛰기", "Skip to the feed"),
    "nav.skip_figures": ("지표로 건너뛰기", "Skip to the figures"),
    "nav.jump_feed": ("↓ 피드", "↓ Feed"),
    "nav.language": ("English", "한국어"),
    "nav.language_label": ("Switch to English", "한국어로 바꾸기"),
    "nav.sign_out": ("로그아웃", "Sign out"),
    "nav.signed_in": ("{name} 님으로 로그인됨", "Signed in as {name}"),
    # Sign-in
    "login.title": ("로그인", "Sign in"),
    "login.lead": (
        "접속 토큰을 붙여 넣으세요. 토큰은 이 브라우저의 보안 쿠키에만 보관됩니다.",
        "Paste your access token. It is kept only in a protected cookie of this browser.",
    ),
    "login.token": ("접속 토큰", "Access token"),
    "login.submit": ("로그인", "Sign in"),
    "login.where": ("토큰은 어디서 받나요?", "Where do I get a token?"),
    "login.where_local": (
        "이 컴퓨터에서 make run으로 실행했다면, 그때 출력된 링크를 열거나 sori token cx.read 명령으로 만드세요.",
        "If it runs on this machine by make run, open the link that it printed, or make one by sori token cx.read.",
    ),
    "login.where_company": (
        "회사에서 쓰는 경우에는 플랫폼 담당자에게 cx.read 또는 hr.read 역할의 토큰을 요청하세요.",
        "In a company, ask the platform team for a token with the role cx.read or hr.read.",
    ),
    "login.wrong": ("토큰이 올바르지 않거나 만료되었습니다.", "This token is wrong or has expired."),
    "login.wrong_help": (
        "처음부터 끝까지 빠짐없이 복사했는지 확인하고, 만료되었다면 새 토큰을 받아 다시 붙여 넣으세요.",
        "Check that you copied all of it. If it has expired, get a new one and paste that.",
    ),
    "take.title": ("이 건을 맡으시겠어요?", "Take this case?"),
    "take.lead": (
        "맡으면 이 건에 대한 호출과 대기 중인 알림이 모두 멈춥니다.",
        "If you take it, its escalation and every pending message about it stop.",
    ),
    "take.submit": ("맡기", "Take it"),
    "take.done": ("맡으셨습니다.", "It is yours."),
    "take.done_help": ("호출이 멈췄습니다. 건 번호: {case}", "Escalation has stopped. Case: {case}"),
    "login.missing": ("토큰이 비어 있습니다.", "There is no token yet."),
    # Errors
    "error.forbidden": ("볼 수 있는 권한이 없습니다", "You may not see this page"),
    "error.forbidden_help": (
        "이 페이지에는 다음 역할 가운데 하나가 필요합니다: {roles}. 해당 역할의 토큰으로 다시 로그인하세요.",
        "This page needs one of these roles: {roles}. Sign in again with a token that has one.",
    ),
    "error.unavailable": ("지금은 보여 드릴 수 없습니다", "This cannot be shown right now"),
    "error.unavailable_help": (
        "피드와 지표 서비스가 응답하지 않습니다. 접수된 내용은 사라지지 않으며, 곧 자동으로 다시 시도합니다.",
        "The service behind this page does not answer. Nothing is lost, and the page tries again by itself.",
    ),
    "error.not_found": ("찾는 페이지가 없습니다", "There is no such page"),
    "error.not_found_help": ("주소를 확인하거나 피드로 돌아가세요.", "Check the address or go back to the feed."),
    "error.invalid": ("요청을 이해하지 못했습니다", "The request could not be understood"),
    "error.invalid_help": (
        "필터나 주소를 확인하고 다시 시도하세요.",
        "Check the filters or the address, and try again.",
    ),
    "error.method": ("이렇게는 열 수 없는 주소입니다", "This address cannot be opened that way"),
    "error.too_large": ("보낸 내용이 너무 큽니다", "What you sent is too large"),
    "error.failed": ("콘솔에 문제가 생겼습니다", "Something went wrong in the console"),
    "error.failed_help": (
        "문제는 기록되었습니다. 잠시 뒤에 다시 시도하세요.",
        "It has been noted. Please try again in a moment.",
    ),
    "error.retry": ("다시 시도", "Try again"),
    "error.home": ("피드로 가기", "Go to the feed"),
    # The feed
    "feed.title": ("통합 피드", "Joint feed"),
    "feed.list": ("최신 소식", "Latest lines"),
    "feed.lead": (
        "고객의 소리, 직원의 소리, 케이스와 알림을 들어온 순서대로 보여 줍니다.",
        "Customers, staff, cases and alerts in order of arrival.",
    ),
    "feed.empty": ("아직 소식이 없습니다. 들어오는 대로 여기에 나타납니다.", "Nothing yet. Lines appear as they come."),
    "feed.empty_filtered": ("이 조건에 맞는 소식이 없습니다.", "Nothing matches these filters."),
    "feed.kind": ("종류", "Kind"),
    "feed.unit": ("매장·팀", "Shop or team"),
    "feed.all": ("전체", "All"),
    "feed.filter": ("보기", "Show"),
    "feed.clear": ("필터 해제", "Clear filters"),
    "feed.pause": ("일시 정지", "Pause"),
    "feed.resume": ("이어 보기", "Resume"),
    "feed.waiting": ("새 소식 {count}건 대기 중", "{count} new lines waiting"),
    "feed.connecting": ("연결 중", "Connecting"),
    "feed.live": ("실시간", "Live"),
    "feed.paused": ("일시 정지됨", "Paused"),
    "feed.lost": ("연결이 끊겼습니다. 다시 연결하는 중입니다", "Connection lost. Reconnecting"),
    "feed.away": ("피드 서비스가 응답하지 않습니다. 다시 시도하는 중입니다", "The feed does not answer. Trying again"),
    "feed.no_script": (
        "자바스크립트가 꺼져 있어 자동으로 갱신되지 않습니다. 새로 고침하면 최신 내용이 보입니다.",
        "JavaScript is off, so this page does not update by itself. Reload to see what is new.",
    ),
    "feed.bounded": ("화면에는 최근 {count}건까지만 보여 줍니다.", "The page keeps the latest {count} lines."),
    # One line
    "line.no_unit": ("소속 없음", "No shop or team"),
    "line.no_text": ("내용 없음", "No text"),
    "line.cut": ("전체 {count}자 중 일부", "Part of {count} characters"),
    "line.staff": ("직원", "Staff"),
    "line.staff_voice": ("직원 목소리", "Staff voice"),
    "line.staff_case": ("직원 제보", "Raised by staff"),
    "line.urgent": ("긴급", "Urgent"),
    "line.abusive": ("욕설·위협", "Abusive"),
    "line.case": ("케이스", "Case"),
    "line.alert": ("알림", "Alert"),
    "line.customer": ("고객 {id}", "Customer {id}"),
    "line.due": ("응답 기한 {time}", "Answer due {time}"),
    "line.in_time": ("기한 안에 답변", "Answered in time"),
    "line.late": ("기한을 넘겨 답변", "Answered late"),
    "line.sent_to": ("{target}(으)로 발송", "Sent to {target}"),
    "line.week": ("{year}년 {week}주차", "Week {week}, {year}"),
    "line.topics": ("주제", "Topics"),
    # The figures
    "figures.title": ("매장·팀별 지표", "Figures by shop and team"),
    "figures.lead": (
        "매장·팀마다 가장 최근에 끝난 한 주의 값입니다. 추세는 끝난 주만 그립니다.",
        "The latest complete week of each shop or team. Trends show complete weeks only.",
    ),
    "figures.unit": ("매장·팀", "Shop or team"),
    "figures.week": ("주", "Week"),
    "figures.running": ("진행 중", "not over yet"),
    "figures.nps": ("NPS", "NPS"),
    "figures.csat": ("CSAT", "CSAT"),
    "figures.sentiment": ("고객 감정", "Customer mood"),
    "figures.first_response": ("첫 응답 준수", "First response kept"),
    "figures.enps": ("eNPS", "eNPS"),
    "figures.trend": ("추세", "Trend"),
    "figures.answers": ("{count}명", "n = {count}"),
    "figures.clocks": ("{count}건 중", "of {count}"),
    "figures.texts": ("글 {count}건", "{count} texts"),
    "figures.absent": ("값 없음", "no value"),
    "figures.shares": (
        "부정 {negative}%, 중립 {neutral}%, 긍정 {positive}%",
        "{negative}% negative, {neutral}% neutral, {positive}% positive",
    ),
    "figures.trend_label": (
        "{weeks}주 추세. 고객 부정 비율 {negative}, eNPS {enps}",
        "{weeks} weeks. Customers' negative share {negative}, eNPS {enps}",
    ),
    "figures.from_to": ("{first}에서 {last}", "from {first} to {last}"),
    "figures.legend_negative": ("고객 부정 비율", "Customers' negative share"),
    "figures.legend_enps": ("직원 eNPS", "Staff eNPS"),
    "figures.withheld": (
        "“–”는 답이 없거나, 답한 사람이 적어 누구인지 짐작될 수 있으므로 공개하지 않는 값입니다. 0이 아닙니다.",
        "“–” is not 0: nobody answered, or so few did that the value is withheld lest somebody be guessed.",
    ),
    "figures.empty": ("아직 집계된 값이 없습니다.", "There are no figures yet."),
    "figures.away": (
        "지표를 불러올 수 없습니다. 다시 시도하는 중입니다.",
        "The figures cannot be loaded. Trying again.",
    ),
    "figures.updated": ("{time} 기준", "As of {time}"),
    # The tally
    "tally.title": ("전체 현황", "At a glance"),
    "tally.touchpoints": ("고객 접점", "Touchpoints"),
    "tally.voices": ("직원 목소리", "Staff voices"),
    "tally.cases": ("케이스", "Cases"),
    "tally.breached": ("기한 초과", "Overdue"),
    "tally.alerts": ("알림", "Alerts"),
    # The cases that wait
    "cases.title": ("답변을 기다리는 케이스", "Waiting for an answer"),
    "cases.none": ("기다리는 케이스가 없습니다.", "Nobody is waiting."),
    "cases.more": ("외 {count}건", "and {count} more"),
    "cases.more_at_least": ("외 {count}건 이상", "and at least {count} more"),
    "cases.overdue": ("기한 초과", "Overdue"),
    "cases.due": ("기한 {time}", "Due {time}"),
    "cases.no_promise": ("약속된 기한 없음", "No promised time"),
    "cases.away": (
        "케이스 서비스가 응답하지 않습니다. 다시 시도하는 중입니다.",
        "The case service does not answer. Trying again.",
    ),
    # Kinds of lines
    "line_kind.touchpoint": ("고객 접점", "Touchpoints"),
    "line_kind.voice": ("직원 목소리", "Staff voices"),
    "line_kind.case": ("케이스", "Cases"),
    "line_kind.alert": ("알림", "Alerts"),
    # Moods
    "mood.negative": ("부정", "Negative"),
    "mood.neutral": ("중립", "Neutral"),
    "mood.positive": ("긍정", "Positive"),
    "mood.unknown": ("분류 안 됨", "Not classified"),
    # Channels
    "channel.unspecified": ("채널 미상", "Unknown channel"),
    "channel.app": ("앱", "App"),
    "channel.web": ("웹", "Web"),
    "channel.store": ("매장", "Store"),
    "channel.kakao": ("카카오톡", "KakaoTalk"),
    "channel.call_center": ("전화", "Call centre"),
    "channel.sns": ("SNS", "Social media"),
    "channel.review": ("리뷰 사이트", "Review site"),
    "channel.survey": ("설문", "Survey"),
    "channel.email": ("이메일", "E-mail"),
    "channel.chat": ("채팅", "Chat"),
    "channel.delivery": ("배송", "Delivery"),
    "channel.crm": ("CRM", "CRM"),
    # Kinds of touchpoints
    "kind.unspecified": ("기타", "Other"),
    "kind.inquiry": ("문의", "Inquiry"),
    "kind.complaint": ("불만", "Complaint"),
    "kind.praise": ("칭찬", "Praise"),
    "kind.review": ("리뷰", "Review"),
    "kind.mention": ("언급", "Mention"),
    "kind.survey_response": ("설문 응답", "Survey response"),
    "kind.reply": ("답변", "Reply"),
    "kind.visit": ("방문", "Visit"),
    "kind.view": ("조회", "View"),
    "kind.cart": ("장바구니", "Cart"),
    "kind.purchase": ("구매", "Purchase"),
    "kind.refund": ("환불", "Refund"),
    "kind.delivery": ("배송", "Delivery"),
    "kind.resolution": ("처리 완료", "Resolution"),
    "kind.signup": ("가입", "Sign-up"),
    "kind.cancellation": ("해지", "Cancellation"),
    "kind.referral": ("추천", "Referral"),
    "kind.other": ("기타", "Other"),
    # Who speaks
    "speaker.customer": ("고객", "Customer"),
    "speaker.agent": ("상담 직원", "Agent"),
    "speaker.bot": ("자동 응답", "Bot"),
    "speaker.system": ("시스템", "System"),
    # Stages
    "stage.awareness": ("인지", "Awareness"),
    "stage.consideration": ("고려", "Consideration"),
    "stage.purchase": ("구매", "Purchase"),
    "stage.retention": ("유지", "Retention"),
    "stage.advocacy": ("추천", "Advocacy"),
    # Marks
    "mark.rating": ("평점", "Rating"),
    "mark.nps": ("NPS", "NPS"),
    "mark.csat": ("CSAT", "CSAT"),
    "mark.ces": ("CES", "CES"),
    # Turns of a case
    "change.opened": ("접수", "Opened"),
    "change.answered": ("첫 답변", "Answered"),
    "change.acknowledged": ("담당자 확인", "Acknowledged"),
    "change.breached": ("응답 기한 초과", "Overdue"),
    "change.resolved": ("해결", "Resolved"),
    "change.reopened": ("다시 열림", "Reopened"),
    "change.clock_breached": ("약속 기한 초과", "A promise is broken"),
    # Why an alert was sent
    "reason.first_response.breached": ("첫 응답 기한을 넘겼습니다", "The first response is overdue"),
    "reason.next_response.breached": ("다음 응답 기한을 넘겼습니다", "The next response is overdue"),
    "reason.first_resolution.breached": ("첫 해결 기한을 넘겼습니다", "The first resolution is overdue"),
    "reason.total_resolution.breached": ("최종 해결 기한을 넘겼습니다", "The total resolution is overdue"),
    # Topics of customers
    "topic.delivery": ("배송", "Delivery"),
    "topic.product_quality": ("상품 품질", "Product quality"),
    "topic.price": ("가격", "Price"),
    "topic.refund_exchange": ("환불·교환", "Refund or exchange"),
    "topic.staff_attitude": ("직원 응대", "Staff attitude"),
    "topic.waiting": ("대기", "Waiting"),
    "topic.app_web": ("앱·웹", "App and web"),
    "topic.payment": ("결제", "Payment"),
    "topic.shop": ("매장 환경", "Shop"),
    "topic.event_benefit": ("이벤트·혜택", "Events and benefits"),
    "topic.information": ("안내·정보", "Information"),
    "topic.privacy": ("개인정보", "Privacy"),
    "topic.safety": ("안전", "Safety"),
    # Topics of employees
    "topic.workload": ("업무량", "Workload"),
    "topic.tools": ("도구·시스템", "Tools"),
    "topic.manager": ("상사", "Manager"),
    "topic.pay": ("보상", "Pay"),
    "topic.recognition": ("인정", "Recognition"),
    "topic.growth": ("성장", "Growth"),
    "topic.belonging": ("소속감", "Belonging"),
}
