"""What somebody wrote in an e-mail, apart from what they quoted and how they signed.

Line by line, in time that grows with the length only: the patterns of mail-parser-reply take seconds for 12 kB that
somebody made for it, and miss most of what Korean e-mail programs write above a quote.
"""

import re
from dataclasses import dataclass

from sori_ingest.channels import markup

_LONGEST_LINE = 400  # characters of a line that may introduce a quote
_MOST_LINES = 20_000
_HEADER_LINES = 10
_RULES = " _-=*─━"  # what lines between paragraphs are made of
_BLANKS = re.compile(r"\n{3,}")
_DISCLAIMER_LINES = 30
_LONGEST_DISCLAIMER = 1_000  # characters that are looked at
_SIGNATURE_LINES = 12  # A sign-off with more below it is none.

_QUOTE = re.compile(r"\s{0,8}[>＞]")
_ESCAPED = ">From "
_COLONS = (":", "：")
_UNQUOTED = re.compile(r"^\s{0,8}(?:[>＞]\s?)+")
# "On Monday, … wrote:", "2026년 1월 5일 (월) 오후 3:00, … 님이 작성:", "2026. 1. 5. 15:00, … 작성:",
# "26. 1. 5. 15:00에 … 이(가) 쓴 글:".
_WROTE = re.compile(
    r"(?:wrote|writes|写道|寫道|님이\s?작성(?:하였습니다|했습니다|함)?|님의\s?말"
    r"|(?:님이|이\(가\))\s?(?:(?:쓴|쓰신)\s?글|쓰셨습니다|보낸\s?메(?:일|시지))|작성"
    r"|(?:schrieb|schreef|skrev)(?: .{1,80})?|a écrit|escribió|escreveu|ha scritto|geschreven|napisała?|написала?"
    r"|пишет|さんは書きました)\s?[:：]\s*$",
    re.I,
)
_WROTE_STARTS = re.compile(
    r"\s{0,8}(?:On\b|\d{2,4}\s?[년./-]|<?[\w.+-]+@|[\"']?[^\s,;:]+.{0,80}<[^<>@\s]+@"
    r"|(?:Am|Le|El|Il|Op|Em|Den|På|W dniu)\b)",
    re.I,
)
_ON = re.compile(r"\bOn (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|\d)")
_DATED = re.compile(r"\d{4}|\d{1,2}:\d\d|@|오전|오후|[월화수목금토일]요일")
_DATED_THEN = re.compile(r"\d\s?[년.].{0,40}\d:\d\d|@")  # as Apple's programs have it
# In whatever language, above what is marked as quoted: a time, an address and a colon.
_TIMED = re.compile(r"\d:\d\d")
# So Gmail began a quote in many languages, before or beside "wrote".
_DATED_FIRST = re.compile(
    r"\s{0,8}(?:\d{4}\s?[-./年년]\s?\d{1,2}\s?[-./月월]\s?\d{1,2}|\d{1,2}\.\d{1,2}\.\d{4}, \d{1,2}:)"
)
_ADDRESSED = re.compile(r"<\s?[^<>\s]{1,100}@[^<>\s]{1,200}>.{0,20}[:：]\s*$")
_SEPARATOR = re.compile(
    r"\s*[-_=*─━]{2,}\s*\[?\s*(?:original (?:message|mail|appointment)|(?:begin )?forwarded message|reply message"
    r"|원본\s?(?:메시지|메세지|이?메일|내용)|원문\s?(?:메시지|메일)?|전달된\s?(?:메시지|메세지|이?메일)|받은\s?메일(?:\s?내용)?|보낸\s?메(?:시지|일)"
    r"|이전\s?(?:메시지|메일)|原始邮件|原始郵件|转发的?邮件|元のメッセージ"
    r"|message d'origine|mensaje original|mensagem original"
    r"|ursprüngliche nachricht|messaggio originale|origineel bericht|oorspronkelijk bericht|oprindelig meddelelse"
    r"|message transféré|weitergeleitete nachricht|mensaje reenviado|mensagem encaminhada|messaggio inoltrato"
    r"|doorgestuurd bericht|vidarebefordrat meddelande|転送メッセージ|пересылаемое сообщение)\s*\]?\s*[-_=*─━]*\s*"
    # What a helpdesk writes above its own mail.
    r"|\s*##- .{1,100} -##\s*|[\s*#=_-]{0,20}(?:please )?(?:(?:type|write|enter) your )?reply above this line\b.{0,60}"
    r"|[\s*#=_-]{0,20}이 (?:줄|라인|선) 위에 (?:회신|답장|답변).{0,40}",
    re.I,
)
# With the quote on the same line, as Yahoo writes it, or between dashes, as Zoho does.
_WROTE_ALONE = re.compile(
    r"\s{0,8}On [A-Z][a-z]{2,8}, (?:[A-Z][a-z]{2,8} \d{1,2},|\d{1,2} [A-Z][a-z]{2,8}) \d{4}(?: at|,) \d{1,2}:\d\d"
    r".{1,200}? wrote:\s"
    r"|\s{0,8}-{2,10}\s?(?:On )?\S.{1,200} wrote\s?-{2,10}\s*$"
)
_BEGIN_FORWARDED = re.compile(
    r"\s*(?:(?:Begin )?forwarded message|전달된 메시지 시작|전달된 메(?:시지|일)"
    r"|Début du message (?:réexpédié|transféré)|Anfang der weitergeleiteten (?:Nachricht|E-Mail)"
    r"|転送されたメッセージ)\s?[:：]\s*",
    re.I,
)
_FORWARDED = re.compile(
    r"[\s\-_=*─━>]*(?:(?:begin )?forwarded message|전달된\s?(?:메시지|메세지|이?메일)|转发的?邮件"
    r"|message transféré|weitergeleitete nachricht|messaggio inoltrato|転送メッセージ)",
    re.I,
)
_LABELLED = re.compile(
    r"\s*[*\[]{0,2}\s?(from|sent|to|cc|bcc|subject|date|보낸\s?사람|보낸이|발신자?|보낸\s?(?:날짜|시간|일시)|받[는은]\s?사람"
    r"|받는이|수신자?|참조|숨은\s?참조|제\s?목|주제|날짜|일시|보낸\s?시각|받은\s?(?:날짜|시간|일시)|전송됨"
    r"|von|gesendet|an|betreff|de|envoyé|à|objet|sujet|pour|van|verzonden|aan|onderwerp"
    r"|från|skickat|till|ämne|fra|sendt|til|emne|enviad[oa](?: el)?|para|asunto|assunto|da|inviato|a|oggetto"
    r"|差出人|送信者|送信日時|日時|宛先|件名|[发發]件人|寄件者|[发發]送[时時][间間]|收件[人者]|主[题題旨]|日期|抄送|副本|от|отправлено|кому|тема|дата)\s?[*\]]{0,2}\s?[:：]",
    re.I,
)
_LABEL_FIRST = frozenset(
    {
        "from",
        "보낸사람",
        "보낸이",
        "발신",
        "발신자",
        "von",
        "de",
        "da",
        "van",
        "från",
        "fra",
        "от",
        "差出人",
        "送信者",
        "发件人",
        "發件人",
        "寄件者",
    }
)
_SENT = re.compile(r"@|\d:\d\d|\d시|오전|오후")  # as nobody says of a present
_RULE = re.compile(r"\s*[_\-─━]{20,}\s*")

_SIGNATURE = re.compile(r"--\s?|__\s?|—\s?")
_DEVICE = re.compile(
    r"\s*(?:sent (?:from|via|with) (?:my [^,.]{1,30}[.!]?$|(?:my|the) [^,.]{0,30}\b(?:i(?:phone|pad|pod|os)|galaxy"
    r"|phone|smartphone|mobile|android|blackberry|cell|tablet|device|app|mail)\b"
    r"|outlook|yahoo|gmail|samsung|proton|naver|mail\b|spark\b|blue ?mail"
    r"|aqua ?mail|edison|fastmail|airmail|zoho|kakao|daum"
    r"|aol|superhuman|huawei|xiaomi|blackberry|canary|hey\b|windows|mobile\b|mailbox|an? (?:phone|mobile)).{0,80}"
    r"|(?:envoyé (?:depuis|de|à partir de) |enviado d[eo] |inviato da |verstuurd vanaf |отправлено (?:с|из) "
    r"|(?:发|發)(?:送)?自我的|從我的).{0,12}(?:iphone|ipad|galaxy|samsung|android|mobile|outlook|mobil).{0,40}"
    r"|(?:iphone|ipad|galaxy|android|xperia|スマートフォン)から送信.{0,10}"
    r"|(?:virus-free\.?\s?|바이러스 없음\.?\s?)?(?:https?://)?www\.avast\.com.{0,60}"
    r"|this e-?mail has been checked for viruses by (?:avast|avg).{0,60}"
    r"|이 이메일은 (?:avast|avg).{1,60}바이러스.{1,30}\.?"
    r"|proton ?mail.{1,30}(?:보냄|보냈습니다|전송됨|발송됨)\.?"
    r"|get (?:outlook|blue ?mail) for .{0,80}|yahoo mail: (?:search, organize, conquer|검색, 정리, 관리)"
    r"|(?:나의|내)\s.{1,40}에서\s?(?:보냄|보냈습니다|전송됨)\.?"
    r"|(?:(?:iphone|ipad|갤럭시|galaxy|아이폰|android|삼성\s?(?:모바일|갤럭시|galaxy)|samsung\s?(?:mobile|galaxy)|스마트폰|lg\s?(?:모바일|스마트폰)"
    r"|네이버\s?메일\s?앱|outlook|daum\s?메일\s?앱|다음\s?메일\s?앱).{0,40}(?:에서|로)"
    r"|(?:(?:windows|ios|android|mac)용\s(?:메일|mail|outlook)"
    r"|(?:네이버|naver|다음|daum|카카오|kakao)\s?(?:(?:메일|mail)(?:\s?앱)?|앱)|(?:gmail|지메일)\s?앱)에서)"
    r"\s?(?:보냄|보냈습니다|보낸\s?(?:메일|메시지)(?:입니다)?|전송(?:됨|함|했습니다|하였습니다)|발송)\.?"
    r"|.{1,40}용 outlook(?:을|를)?\s?(?:받기|받으세요|다운로드).{0,80}"
    r"|outlook for (?:ios|android|mac)(?:을|를)?\s?(?:받기|받으세요|다운로드).{0,80}"
    r"|enviado desde .{0,60}|von meinem .{1,40} gesendet)\s*",
    re.I,
)
_DISCLAIMER = re.compile(
    r"[\s*_=─━-]{0,100}(?:\[?(?:confidentiality (?:notice|note)|disclaimer|legal (?:notice|disclaimer)"
    r"|privileged and confidential)\b"
    r"|(?:the (?:information|contents?) .{0,40})?this (?:electronic )?(?:e-?mail|mail|message|communication"
    r"|transmission)\b[^.?!]{0,200}?\b(?:confidential|privileged|intended (?:only|solely|for the|recipient))"
    r"|(?:\[[^\[\]]{1,20}\]\s*|\[)?(?:본|이)\s?(?:전자)?\s?(?:이?메일|메시지|우편|통신문|문서)[은는에의과및 ].{0,250}?"
    r"(?:(?:수신[인자]|수취인|지정[된한]).{0,300}?(?:기밀|비밀|삭제|파기|무단|유출|위법)"
    r"|(?:기밀|비밀|대외비).{0,300}?(?:법률|법령|보호|금지|금합니다|삭제|수신|처벌))"
    r"|\[?(?:본|이)\s?이?메일은\s.{0,40}발신\s?전용)",
    re.I,
)
_FROM_OUTSIDE = (
    r"(?:this|the) (?:e-?mail|message)\s(?:has\s)?(?:originated|came|comes|was\s(?:sent|received)|is)\s(?:from\s)?"
    r"(?:outside\b[^.]{0,80}|an\sexternal\s(?:source|sender|domain|e-?mail)[^.]{0,40})\."
)
_CAREFUL = (
    r"\s{1,4}(?:please\s)?(?:do\snot|don't|be|exercise|use|never|treat|avoid|beware|think|only)\s"
    r"[^.]{0,80}\b(?:click|links?|attachments?|caution|cautious|careful|trust)\b[^.]{0,160}\."
)
# What a company's own gateway puts above each mail from outside.
_BANNER = re.compile(
    r"[\s*_=─━!※⚠\ufe0f\[]{0,100}(?:"
    rf"(?:(?:external|caution|warning|attention|notice)\b(?:\s(?:e-?mail|message|sender|warning))?[\s*_\]:!–—-]{{0,10}}){{1,3}}"
    rf"{_FROM_OUTSIDE}(?:{_CAREFUL}){{0,3}}|{_FROM_OUTSIDE}(?:{_CAREFUL}){{1,3}}"
    r"|(?:\[?외부\s?(?:이?메일|발신)\]?[\s:]{0,5})?(?:본|이|해당)\s?(?:이?메일|메시지)[은는]\s[^.\n]{0,30}외부[^.\n]{0,60}니다\.?"
    r"(?:\s{1,4}[^.\n]{0,80}(?:첨부|링크|url|클릭|열람)[^.\n]{0,60}(?:주의|유의|조심|마)[^.\n]{0,30}(?:니다|세요|시오|랍니다)\.?){0,3}"
    r"|[^\n]{0,300}aka\.ms/LearnAboutSenderIdentification[^\s\]>]{0,20}(?:\s?[\]>])?"
    r")[\s*_=─━\]-]{0,100}",
    re.I,
)
_CLOSING = re.compile(
    r"\s*(?:(?:best|kind|warm|many|with best|with kind)?\s?regards|sincerely(?: yours)?"
    r"|yours (?:truly|sincerely|faithfully)|cheers|thanks(?: and regards| again)?|thank you"
    r"|감사합니다|고맙습니다|수고하세요|수고하십시오|안녕히\s?계세요)\s?[,.!~]*\s*",
    re.I,
)
_MATTER = re.compile(  # of which a mail is, as no business card has it
    r"\s*[-*·•]?\s*(?:주문|상품|제품|품명|모델|송장|운송장|환불|계좌|은행|예금주|예약|접수|구매|결제|수량|옵션|사이즈|색상|시리얼|쿠폰"
    r"|배송|수령|받는|반품|교환|취소|사유|신청|문의|증상|내용|order|product|model|tracking|account|serial|invoice|booking|refund|item)[^:：]{0,10}[:：]"
    r"|\s*(?:추신|p\.?\s?s\b)",
    re.I,
)
_SENTENCE = re.compile(
    r"(?:니다|[가-힣]요|[니을]까|[가-힣]죠)\s?[.?!~…]*\s*$|(?:\S+\s+){4}.*[a-z][.?!]\s*$"
)  # Somebody goes on to say more.
_CONTACT = re.compile(
    r"\S+@\S+\.\S+|(?:tel|phone|mobile|fax|mob|전화|연락처|휴대폰|핸드폰|팩스|대표번호|직통|h\.?p|[tmfe])\s?[.:：)]\s?[+\d(]"
    r"|\+?\d{2,4}[-. )]\s?\d{3,4}[-. ]\d{4}|https?://|www\."
    r"|\b(?:inc|ltd|llc|corp|gmbh)\b\.?|\(주\)|㈜|주식회사|(?:드림|올림|배상|拜上)\s*$",
    re.I,
)

_CARD_PHONE = re.compile(r"\b(?:tel|phone|mobile|mob|fax|h\.?p|[tmf])\s?[.:：)]{0,2}\s?\+?\(?\d{1,4}[-. )]", re.I)
_COMPANY = re.compile(r"\b(?:inc|ltd|llc|corp|gmbh)\b|\(주\)|㈜|주식회사|[가-힣](?:팀|본부|사업부|연구소)\b", re.I)
_ASKED = re.compile(  # what is told because somebody asked for it
    r"\s*[-*·•]?\s*(?:이름|성함|성명|생년월일|아이디|회원|담당자|사업자|세금|상호|대표|연락처|name|contact)\s?(?:번호|명|자)?\s?[:：]",
    re.I,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """An e-mail's text, taken apart."""

    own: str
    quoted: str = ""
    signature: str = ""


def is_forward(quoted: str) -> bool:
    """Say whether what is quoted begins as only what is forwarded does."""
    return _FORWARDED.match(quoted) is not None


def is_of_program(signature: str) -> bool:
    """Say whether a signature is no more than what a phone or a mail program wrote."""
    return all(_DEVICE.fullmatch(line[:_LONGEST_LINE]) for line in signature.split("\n") if line)


def separate(text: str) -> Parts:
    """Tell the sender's own words from quotes and from the signature; none is lost."""
    banner = _BANNER.match(text)
    lines = text[banner.end() if banner else 0 :].split("\n", _MOST_LINES)
    own, quoted = _unquoted(lines)
    own, signature = _unsigned(own)
    return Parts(
        own=_BLANKS.sub("\n\n", "\n".join(own)).strip(),
        quoted="\n".join(_UNQUOTED.sub("", line) for line in quoted).strip(),
        signature="\n".join([banner[0].strip(), *signature] if banner else signature).strip(),
    )


def separate_written(written: markup.Written) -> Parts:
    """Do the same with HTML, of which its e-mail program has marked some as quoted or as a signature."""
    parts = separate(written.text)
    return Parts(
        own=parts.own,
        quoted="\n\n".join(filter(None, (parts.quoted, written.quoted))),
        signature="\n".join(filter(None, (parts.signature, written.signature))),
    )


def _unquoted(lines: list[str]) -> tuple[list[str], list[str]]:
    own: list[str] = []
    quoted: list[str] = []
    position = 0
    while position < len(lines):
        line = lines[position]
        if _QUOTE.match(line) and not _is_escaped(lines, position):
            quoted.append(line)
            position += 1
        elif length := _introduction(lines, position):
            start = _start(line)
            if start:
                own.append(line[:start].rstrip(" -"))
            quoted += [line[start:], *lines[position + 1 : position + length]]
            position += length
            if not _is_marked(lines, position):  # Nothing tells its end: all that follows is quoted.
                return own, quoted + lines[position:]
        elif _starts_quote(lines, position):
            end = len(own)
            while end and not own[end - 1].strip(_RULES):  # a rule that belongs to the header
                end -= 1
            return own[:end], quoted + own[end:] + lines[position:]
        else:
            own.append(line.removeprefix(">") if line.startswith(_ESCAPED) else line)
            position += 1
    return own, quoted


def _introduction(lines: list[str], position: int) -> int:
    """Say how many lines from here on say who wrote what follows, as e-mail programs break them."""
    first = lines[position][:_LONGEST_LINE]
    is_timed = ":" in first and _TIMED.search(first) is not None
    if not (is_timed or _WROTE_STARTS.match(first)):
        return 0
    together = ""
    for length, line in enumerate(lines[position : position + 3], start=1):
        if len(line) > _LONGEST_LINE or not line.strip():
            return 0
        together = f"{together} {line}"
        if not line.rstrip().endswith(_COLONS):
            continue
        if wrote := _WROTE.search(line[-100:]):
            dated = _DATED_THEN if wrote[0].startswith("작성") else _DATED
            return length if dated.search(together) else 0
        is_addressed = is_timed and _ADDRESSED.search(together[-_LONGEST_LINE:])
        if is_addressed and (_DATED_FIRST.match(first) or _is_marked(lines, position + length)):
            return length
    return 0


def _start(line: str) -> int:
    """Say where in a line an introduction begins: some programs put it behind the last words."""
    found = _ON.search(line)
    return found.start() if found and any(map(str.isalnum, line[: found.start()])) else 0


def _is_escaped(lines: list[str], position: int) -> bool:
    """Say whether a line begins with "From", before which programs that keep mails in one file put a mark."""
    beside = lines[max(0, position - 1) : position] + lines[position + 1 : position + 2]
    return lines[position].startswith(_ESCAPED) and not any(map(_QUOTE.match, beside))


def _is_marked(lines: list[str], position: int) -> bool:
    """Say whether the next line that is not empty begins with a quotation mark."""
    for line in lines[position : position + 4]:
        if line.strip():
            return _QUOTE.match(line) is not None
    return False


def _starts_quote(lines: list[str], position: int) -> bool:
    line = lines[position]
    if len(line) > _LONGEST_LINE:
        return False
    if _SEPARATOR.fullmatch(line) or _WROTE_ALONE.match(line):
        return True
    if _RULE.fullmatch(line):
        labels = _labels(lines, position + 1)
        return len(labels) >= 2 and labels[0] in _LABEL_FIRST
    if not any(colon in line for colon in _COLONS):
        return False
    if _BEGIN_FORWARDED.fullmatch(line):
        return True
    labels = _labels(lines, position)
    if len(labels) < 2:
        return False
    header = "\n".join(filter(_LABELLED.match, lines[position : position + _HEADER_LINES]))
    if labels[0] in _LABEL_FIRST:
        return "@" in line if len(labels) == 2 else len(labels) > 2 and _SENT.search(header) is not None
    return len(labels) >= 4 and "@" in header and not _LABEL_FIRST.isdisjoint(labels)


def _labels(lines: list[str], position: int) -> list[str]:
    """Give the labels of a header block, as in "From: …", that begins here; empty lines may stand between."""
    labels: list[str] = []
    for line in lines[position : position + _HEADER_LINES]:
        found = _LABELLED.match(line[:_LONGEST_LINE])
        if found is not None:
            labels.append(re.sub(r"\s", "", found[1]).lower())
        elif not line.strip():
            if labels:
                break
        elif not labels:  # A long list of receivers goes over several lines.
            break
    return labels


def _unsigned(lines: list[str]) -> tuple[list[str], list[str]]:
    lines = [line.rstrip() for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    cut = _dashes(lines)
    own, signature = lines[:cut], lines[cut:]
    cut = _device(own)
    cut = _device(own[: _disclaimer(own[:cut])])
    own, signature = own[:cut], own[cut:] + signature
    cut = _closing(own)
    if cut == len(own):
        cut = _card(own)
    return own[:cut], own[cut:] + signature


def _device(lines: list[str]) -> int:
    """Find what phones and mail programs write below a mail."""
    position = len(lines)
    while position and (not lines[position - 1] or _DEVICE.fullmatch(lines[position - 1][:_LONGEST_LINE])):
        position -= 1
    return position


def _disclaimer(lines: list[str]) -> int:
    """Find the last paragraphs of a mail that a company's lawyers wrote, below words of the sender's own."""
    position = cut = len(lines)
    while position and len(lines) - position < _DISCLAIMER_LINES:
        position -= 1
        if position and not lines[position - 1].strip(_RULES):
            paragraph = " ".join(lines[position:cut])[:_LONGEST_DISCLAIMER]
            if _DISCLAIMER.match(paragraph):
                cut = position
            elif lines[position].strip(_RULES):
                break
    if cut < len(lines):
        while cut and not lines[cut - 1].strip(_RULES):
            cut -= 1
    return cut or len(lines)


def _dashes(lines: list[str]) -> int:
    """Find "-- " as RFC 3676 has it; what stands above all text is no signature."""
    for position in range(len(lines) - 1, max(-1, len(lines) - 2 * _SIGNATURE_LINES), -1):
        if _SIGNATURE.fullmatch(lines[position]) and any(lines[:position]):
            return position
    return len(lines)


def _closing(lines: list[str]) -> int:
    """Find a sign-off with nothing but a name and contact details below; the thanks themselves stay."""
    for position in range(len(lines) - 1, max(0, len(lines) - _SIGNATURE_LINES), -1):
        if _CLOSING.fullmatch(lines[position][:_LONGEST_LINE]):
            below = [line for line in lines[position + 1 :] if line]
            said = any(len(line) > 60 or _SENTENCE.search(line) or _MATTER.match(line) for line in below)
            return position + 1 if below and not said and _is_contact(below) else len(lines)
    return len(lines)


def _card(lines: list[str]) -> int:
    """Find a business card below a rule or an empty line: it has a company and its telephone, and says nothing."""
    end = len(lines)
    while end and not lines[end - 1].strip(_RULES):
        end -= 1
    for position in range(end - 1, max(0, end - _SIGNATURE_LINES), -1):
        line = lines[position][:_LONGEST_LINE]
        if not line.strip(_RULES):
            below = lines[position + 1 : end]
            is_card = any(map(_CARD_PHONE.search, below)) and any(map(_COMPANY.search, below))
            return position if len(below) > 1 and any(lines[:position]) and is_card else len(lines)
        if len(line) > 60 or _SENTENCE.search(line) or _MATTER.match(line) or _ASKED.match(line):
            break
    return len(lines)


def _is_contact(lines: list[str]) -> bool:
    return any(_CONTACT.search(line) for line in lines) or (len(lines) <= 2 and all(len(line) <= 20 for line in lines))
