"""What somebody wrote in an e-mail, apart from quotes and signature."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sori_ingest.channels import markup, quotation

OLD = "고객님, 내일 도착합니다."


@pytest.mark.parametrize(
    "introduction",
    [
        "2026년 1월 5일 (월) 오후 3:00, 소리 고객센터 <help@sori.example>님이 작성:\n\n> " + OLD,
        "2026년 1월 5일 (월) 오후 3:00, 소리 고객센터\n<help@sori.example>님이 작성:\n\n> " + OLD,
        "2026. 1. 5. 오후 3:00, 소리 고객센터 <help@sori.example> 작성:\n\n" + OLD,
        "2026년 1월 5일 오후 3:00, help@sori.example 님이 작성하였습니다:\n" + OLD,
        "-----원본 메시지-----\n보낸 사람: 소리 <help@sori.example>\n받는 사람: a\n제목: b\n\n" + OLD,
        "----- 원본 메일 -----\n보낸사람: 소리\n" + OLD,
        '-----Original Message-----\nFrom: "소리"\nTo: a\nSent: 2026-01-05\nSubject: b\n\n' + OLD,
        "보낸 사람: 소리 <help@sori.example>\n보낸 날짜: 2026년 1월 5일\n받는 사람: a\n제목: b\n\n" + OLD,
        "________________________________\nFrom: Sori <help@sori.example>\nSent: Monday\nTo: a\nSubject: b\n\n" + OLD,
        "On Mon, Jan 5, 2026 at 3:00 PM Sori <help@sori.example> wrote:\n\n> " + OLD,
        "On Mon, Jan 5, 2026 at 3:00 PM Sori Customer Center\n<help@sori.example> wrote:\n\n> " + OLD,
        "-------- 원본 이메일 --------\n발신: 소리 <h@s.kr>\n받은 사람: a\n제목: b\n\n" + OLD,
        "---------- Forwarded message ---------\nFrom: A <a@example.com>\n\n" + OLD,
        "---------- 전달된 메일 ----------\n보낸사람: A\n\n" + OLD,
        "-----[ 받은 메일 내용 ]-----\n제목 : b\n보낸날짜 : 2026년 1월 5일\n보낸이 : 소리 <h@s.kr>\n\n" + OLD,
        "26. 1. 5. 15:00에 소리 고객센터 이(가) 쓴 글:\n> " + OLD,
        "2026년 01월 05일 15:00에 소리 이(가) 쓴 글:\n\n" + OLD,
        "On Mon, Jan 5, 2026 at 3:00 PM, Sori<help@sori.example> wrote:   " + OLD,
        "---- On Mon, 05 Jan 2026 15:00:00 +0900 Sori <help@sori.example> wrote ----\n\n" + OLD,
        "> " + OLD + "\n> > older",
        "2026年1月5日(月) 15:00 Sori <help@sori.example>:\n\n> " + OLD,
        "Sori <help@sori.example> 于2026年1月5日周一 15:00写道：\n\n> " + OLD,
        "пн, 5 янв. 2026 г. в 15:00, Sori <help@sori.example>:\n\n> " + OLD,
        "Vào Th 2, 5 thg 1, 2026 vào lúc 15:00 Sori <help@sori.example> đã\nviết:\n\n> " + OLD,
        "差出人: Sori <help@sori.example>\n送信日時: 2026年1月5日\n宛先: a@b.jp\n件名: b\n\n" + OLD,
        "De : Sori <help@sori.example>\nEnvoyé : lundi 5 janvier\nÀ : a@b.fr\nObjet : b\n\n" + OLD,
        '------------------ 原始邮件 ------------------\n发件人: "Sori" <help@sori.example>\n\n' + OLD,
        "##- 이 줄 위에 회신을 입력하세요 -##\n\n" + OLD,
        "--- Please reply above this line ---\n\n" + OLD,
        "2014-10-17 11:28 GMT+09:00 소리 고객센터 <help@sori.example>:\n\n" + OLD,
        "2014-10-17 11:28 GMT+09:00 소리 고객센터 <\nhelp@sori.example>:\n\n> " + OLD,
        "2020년 3월 17일 화요일 23:37:07 KST에 소리님이 쓰신 글:\n" + OLD,
        "보낸사람:소리[help@sori.example]\n보낸시간:2026년 6월 19일 금요일 오후 12:01:39\n제목:Re: b\n\n" + OLD,
        "---- Sori wrote ----\n\n" + OLD,
        "Date: Wed, 16 May 2012 00:15:02 -0600\nSubject: b\nFrom: help@sori.example\nTo: a@b.kr\n\n" + OLD,
        "Am 05.01.26 um 15:00 schrieb Sori:\n> " + OLD,
        "Max <help@sori.example> schrieb am Fr., 5. Jan. 2026 um 15:00 Uhr:\n\n> " + OLD,
        "Op 05-01-26 om 15:00 schreef Sori:\n> " + OLD,
        "Il 05/01/26 15:00, Sori ha scritto:\n> " + OLD,
        "Den 5 januari 2026 15:00:18, Sori (help@sori.example) skrev:\n\n" + OLD,
        "W dniu 5 stycznia 2026 15:00 użytkownik Sori <help@sori.example>\nnapisał:\n\n" + OLD,
        '02.04.2026 14:20 пользователь "Sori" <\nhelp@sori.example> написал:\n\n> ' + OLD,
        "Från: Sori [mailto:help@sori.example]\nSkickat: den 5 januari 2026 15:00\nTill: a\nÄmne: b\n\n" + OLD,
        "-------- Message transféré --------\nSujet : b\nDate : 5\nDe : Sori <help@sori.example>\n\n" + OLD,
        "26.06.2026, 14:41, Sori <help@sori.example>:\n\n" + OLD,
        "От: Sori\nОтправлено: четверг, 26 июня 2026 г. 15:05\nКому: a\n\n" + OLD,
        "2026年2月29日 周六 19:47 小理 <help@sori.example> 写道：\n" + OLD,
        "Forwarded message:\n\n> From: Sori <help@sori.example>\n> " + OLD,
        "On Mon, 30 Nov 2026 at 10:12, Sori<help@sori.example> wrote:   " + OLD,  # Yahoo on Android
        "---\nFrom: Sori <help@sori.example>\nDate: Mon, 30 Nov 2026 10:12:33 +0900\nTo: a@b.kr\nSubject: b\n\n" + OLD,
    ],
)
def test_what_is_answered_is_told_apart(introduction: str) -> None:
    parts = quotation.separate(f"아직도 안 왔어요.\n\n{introduction}\n")

    assert "아직도 안 왔어요." == parts.own
    assert OLD in parts.quoted


def test_an_answer_below_or_between_quotes_is_kept() -> None:
    parts = quotation.separate("On Mon, Jan 5, 2026, Sori <h@s.kr> wrote:\n> one?\nyes\n> two?\nno\n")

    assert "yes\nno" == parts.own


def test_words_before_an_introduction_on_its_line_are_kept() -> None:
    parts = quotation.separate("좋아요\n감사 --- On Wed, Apr 4, 2012 at 3:59 PM, help@sori.example wrote:\n> one?\n")

    assert "좋아요\n감사" == parts.own
    assert parts.quoted.startswith("On Wed, Apr 4")


def test_a_mark_that_a_file_of_mails_puts_before_from_is_none() -> None:
    parts = quotation.separate("It is late.\n>From what I know it left on Monday.\n\n> quoted\n>From me\n")

    assert "It is late.\nFrom what I know it left on Monday." == parts.own


def test_an_answer_stands_apart_from_the_next_by_one_empty_line() -> None:
    assert "one\n\ntwo" == quotation.separate("one\n\n> a\n\n> b\n\n\ntwo").own


@pytest.mark.parametrize(
    "signature",
    [
        "-- \n홍길동\n010-1234-5678",
        "Sent from my iPhone",
        "나의 iPhone에서 보냄",
        "내 갤럭시에서 보냈습니다.",
        "Get Outlook for iOS",
        "iOS용 Outlook에서 보냄",
        "Windows용 메일에서 보냄",
        "카카오메일에서 보냄",
        "NAVER 메일 앱에서 보냈습니다.",
        "삼성 모바일에서 전송했습니다.",
        "Yahoo Mail: Search, Organize, Conquer",
        "LG 스마트폰에서 보냈습니다.",
        "iPhone에서 보낸 메일",
        "내 Galaxy Z Flip5에서 전송됨",
        "네이버 앱에서 보냄",
        "Gmail 앱에서 보냄",
        "Get BlueMail for Android",
        "Sent from Mail<https://go.microsoft.com/fwlink/?LinkId=550986> for Windows 10",
        "Sent from Spark",
        "Outlook for Android 다운로드",
        "Proton Mail 보안 이메일로 보냄.",
        "Sent with Proton Mail secure email.",
        "iPhoneから送信",
        "Envoyé de mon iPhone",
        "发自我的iPhone",
        "Inviato da iPhone",
        "Virus-free.www.avast.com",
        "본 메일은 지정된 수취인만을 위하여 작성되었으며, 법령의 보호를 받는\n영업비밀을 포함하고 있을 수 있습니다.",
        "이 메일에는 비밀정보가 포함되어 있을 수 있으며, 수신인이 아닌 경우 즉시 삭제하여 주시기 바랍니다.",
        "본 메일은 발신전용입니다.",
        "CONFIDENTIALITY NOTICE: This e-mail is confidential. If you are not the intended recipient, delete it.",
        "__________________\nThis email and any files transmitted with it are confidential and for you alone.",
        "[보안 고지] 이 이메일 및 첨부파일에는 기밀정보가 포함되어 있을 수 있습니다. 잘못 수신하신 경우 삭제 바랍니다.",
        "This email has been checked for viruses by Avast antivirus software.\nwww.avast.com",
        "이 이메일은 Avast 안티바이러스 소프트웨어로 바이러스 검사를 했습니다.\nwww.avast.com",
        "Yahoo Mail: 검색, 정리, 관리",
        "Sent from AOL Mail",
        "Sent via Superhuman ( https://sprh.mn/?vip=x )",
        "Sent from a mobile phone, excuse typos",
        "Sent from my cell, please excuse any typos.",
        "Sent from my BlackBerry 10 smartphone on the Rogers network.",
        "Android용 Outlook을 다운로드하세요<https://aka.ms/AAb9ysg>",
        "This message is intended only for the addressee.\n\n이 메시지는 수신자만을 위한 것이며 무단 사용을 금합니다.",
    ],
)
def test_a_signature_is_told_apart(signature: str) -> None:
    parts = quotation.separate(f"환불해 주세요.\n\n{signature}\n")

    assert "환불해 주세요." == parts.own
    assert signature.replace("-- ", "--") in parts.signature.replace("-- ", "--")


@pytest.mark.parametrize(
    "banner",
    [
        "CAUTION: This email originated from outside of the organization. Do not\nclick links or open attachments.",
        "[EXTERNAL EMAIL] This message came from an external source. Please exercise caution.",
        "This email originated from outside our company. Be careful with links.",
        "※ 이 메일은 외부에서 발송된 메일입니다. 첨부파일 및 링크 클릭 시 주의하시기 바랍니다.",
        "[외부메일] 본 메일은 외부에서 수신된 메일입니다.\n첨부파일 열람 및 링크 클릭에 유의하시기 바랍니다.",
        "You don't often get email from kim@x.kr. Learn why this is important<https://aka.ms/LearnAboutSenderIdentification>",
    ],
)
@pytest.mark.parametrize("words", ["주문이 안 왔어요. 확인 부탁드립니다.", "I clicked the link. It failed."])
def test_what_a_gateway_writes_above_a_mail_is_not_the_senders(banner: str, words: str) -> None:
    parts = quotation.separate(f"{banner}\n{words}")

    assert (words, banner) == (parts.own, parts.signature)


def test_thanks_stay_and_the_card_below_them_goes() -> None:
    parts = quotation.separate("확인 바랍니다.\n감사합니다.\n\n홍길동 팀장\n(주)소리\nTel. 02-123-4567")

    assert "확인 바랍니다.\n감사합니다." == parts.own
    assert "홍길동 팀장\n(주)소리\nTel. 02-123-4567" == parts.signature


@pytest.mark.parametrize(
    "card",
    [
        "홍길동 과장\n주식회사 소리 | 영업1팀\nT 02-123-4567 | M 010-1234-5678 | hong@sori.example\n서울시 강남구",
        "==============\n홍길동 과장\n(주)소리\nTel : 02-123-4567\n==============",
        "John Smith\nACME Corp.\nPhone: +1 415 555 0132",
    ],
)
def test_a_card_without_thanks_goes(card: str) -> None:
    parts = quotation.separate(f"배송이 늦어요.\n\n{card}\n")

    assert ("배송이 늦어요.", card) == (parts.own, parts.signature)


def test_a_card_may_name_a_department_for_products() -> None:
    parts = quotation.separate("확인 바랍니다.\n감사합니다.\n\n상품기획팀 홍길동\nTel. 02-123-4567")

    assert "상품기획팀 홍길동\nTel. 02-123-4567" == parts.signature


def test_what_lawyers_wrote_goes_with_the_card_above_it() -> None:
    notice = "CONFIDENTIALITY NOTICE: This e-mail is confidential."

    parts = quotation.separate(f"The box arrived damaged.\n\nBest regards,\nAnna Schmidt\nACME GmbH\n\n{notice}\n")

    assert "The box arrived damaged.\n\nBest regards," == parts.own
    assert f"Anna Schmidt\nACME GmbH\n\n{notice}" == parts.signature


@pytest.mark.parametrize(
    "text",
    [
        "사유:\n- 포장 불량\n- 배송 지연\n확인 바랍니다",
        "Thank you, for looking into it.\nMy order is late",
        "제목: 환불\n날짜: 1월 5일\n일시: 오후 3시\n환불해 주세요",
        "감사합니다.\n그런데 한 가지 더 여쭤볼 것이 있습니다. 지난번 주문은 언제 오나요?",
        "감사합니다.\n그런데 아직 오지 않았네요.\n제 번호는 010-1234-5678 입니다.",
        "환불 부탁드립니다.\n\n감사합니다.\n\n주문번호: 20261119-0001\n주문자: 김민지\n연락처: 010-1234-5678",
        "감사합니다\n\n반품 사유: 단순 변심\n김민지\n010-1234-5678",
        "I want a refund.\n\nThis email is my third one. I was told my data is confidential, how does he know it?",
        "환불 요청합니다.\n\n이 메일에 답변이 없으면 소비자보호원에 신고하고 법적 책임을 묻겠습니다.",
        "Thanks,\nOrder: 1001\nTel: 02-123-4567",
        "Thanks,\nand please call me at 02-123-4567 before noon.",
        "On Monday I wrote to you.\nNobody answered",
        "작성: 2026년에 쓴 글입니다",
        "사진이 안 올라갑니다.\n업무용 메일로 보냈습니다.",
        "사진이 안 올라갑니다.\n네이버 메일로 보냈습니다.",
        "On Monday, as your courier wrote: nobody was home",
        "약속 시간은 10:30 이라고 kim@a.kr 이 말했어요:\n안 왔습니다",
        "이 메일을 수신자에게 다시 보내 주세요.\n\n이 메일로 환불 신청합니다. 개인정보 보호가 걱정돼요.",
        "iPhone에서 보냄 버튼이 안 눌려요.",
        "This message is about my order.\n\nThis email was never answered, please be confident that I wait.",
        "본 메일은 수신인만을 위한 것이며 무단 사용을 금합니다.",
        "제목: 환불\n\nde: 010\na: b\n확인 바랍니다",
        "보낸 사람: 김민수\n받는 사람: 이영희\n제목: 축하\n날짜: 12월 3일\n\n오전 10:00까지 부탁드려요",
        "On Monday I called you and your agent wrote:\n'we will refund'\nbut nothing came 11/30.",
        "I got a blue one.\n\nSent from the wrong warehouse!",
        "Here is another email\n\nSent from my desk, is much easier then my mobile phone.",
        "스위치가 안 돼요.\nOn 상태에서 12:30 작성:\n안 됨",
        "This email is my third one from outside Korea. I am waiting. Please answer.",
        "This message was sent from the external app. It crashed twice.",
        "이 메일은 외부 업체에서 온 거라고 하던데 맞습니까?\n주문은 언제 오나요?",
        "Am 3. Mai habe ich bestellt, Ihr Kollege sagte mir:\nKommt bald.",
        "세금계산서 부탁드립니다.\n\n(주)소리\n사업자번호: 123-45-67890\nTel 02-123-4567",
        "이리로 보내 주세요.\n\n(주)소리\n서울시 강남구 테헤란로 1\n받는 사람: 홍길동\nT 02-123-4567",
        "(주)소리\nT 02-123-4567",
        "번호가 바뀌었어요.\n\n홍길동\nT 02-123-4567",
        "연락 부탁드려요.\n\n(주)소리 홍길동\nT 02-123-4567 로 전화 주세요",
        "1안\n-----\n2안",
    ],
)
def test_what_only_looks_like_a_quote_or_signature_stays(text: str) -> None:
    assert text == quotation.separate(text).own


@given(
    st.lists(st.sampled_from(["> a", "b", "", "--", "On 1.1.2026 a@b.c wrote:", "From: a@b", "제목: x", "감사합니다"]))
)
def test_no_line_is_lost(lines: list[str]) -> None:
    parts = quotation.separate("\n".join(lines))

    together = "\n".join([parts.own, parts.quoted, parts.signature])
    assert all(line.removeprefix("> ") in together for line in lines)


@pytest.mark.parametrize(
    ("given_markup", "text"),
    [
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("a<br>b", "a\nb"),
        ("<div>a</div><div>b&amp;c &#128512;</div>", "a\nb&c 😀"),
        ("<style>x{}</style><script>y</script><p hidden>z</p>a", "a"),
        ("no markup", "no markup"),
        ("<p style='margin-bottom:99999999em'>a</p>", "a"),
        ("<div style='color:red; display: none'>preview <b>of</b> it</div>a<i style='visibility:hidden'>b</i>c", "ac"),
        ("<body style='display:none'>a</body>", "a"),
        ("<div>a<hr>b</div>", "a\nb"),
        ("<div style='max-height:0px;overflow:hidden'>preview</div>a<i style='opacity:0'>b</i>", "a"),
        (
            "<div style='max-height:0.5em'>a</div><i style='opacity:0.5'>b</i><p style='fill-opacity:0'>c</p>",
            "a\nb\n\nc",
        ),
    ],
)
def test_markup_becomes_lines(given_markup: str, text: str) -> None:
    assert text == markup.text_of(given_markup).strip()


@given(st.text(alphabet="<>/ab=\"'&;! -", max_size=80))
def test_no_markup_crashes(given_markup: str) -> None:
    assert isinstance(markup.read(given_markup).text, str)


def test_answers_between_what_gmail_quotes_are_kept() -> None:
    written = markup.read(
        "<div class='gmail_quote'><div class='gmail_attr'>2026년 1월 5일 (월) 오후 3:00, 소리 님이 작성:</div>"
        "<blockquote>사이즈가?</blockquote><div>270이요</div><blockquote>색상은?</blockquote><div>검정이요</div></div>"
    )

    assert "270이요\n검정이요" == quotation.separate_written(written).own
    assert "색상은?" in written.quoted


@pytest.mark.parametrize(
    "unfit", ["\0", "\x01", "\v", "\f", "\x1f", "\ufffe", "\uffff", "&#0;", "&#11;", "&#x1F;", "&#xfffe;"]
)
def test_what_is_in_no_xml_is_left_out_of_html(unfit: str) -> None:
    html = f"<p>교환{unfit} 되나요?</p>{unfit}<div class='gmail_quote'>{OLD}</div>{unfit}<style>p{{}}</style>"

    written = markup.read(html)

    assert "교환 되나요?" == written.text.replace("  ", " ")
    assert OLD == written.quoted
    assert "교환 되나요?" in markup.text_of(html).replace("  ", " ")
