"""HTML to plain text, with what an e-mail program quoted kept apart."""

import html
import re
from dataclasses import dataclass

import lxml.html
from inscriptis import Inscriptis
from inscriptis.css_profiles import STRICT_CSS_PROFILE
from inscriptis.model.config import ParserConfig
from lxml import etree

LONGEST = 1 << 19  # characters of markup that are looked at
_MOST_CELLS = 4_000  # of tables; laying out more of them takes seconds
_MOST_TAGS = 20_000
_MOST_QUOTES = 200
_DEEPEST = 150  # elements within each other; libxml2 takes minutes for 100,000, and lets go of what is below 255

_STYLES = STRICT_CSS_PROFILE | {"hr": STRICT_CSS_PROFILE["div"]}  # A rule stands between lines.
_CONFIG = ParserConfig(css=_STYLES, display_images=False, display_links=False)
_TAG = re.compile(r"<[^<>]*>")
# Characters that XML has none of, bare and by number: lxml parses them, and then refuses to move what has them.
_FIT = bytes.maketrans(b"\v\f", b"  ")
_UNFIT = bytes(code for code in range(32) if code not in b"\t\n\v\f\r")
_UNFIT_NUMBERS = re.compile(
    rb"&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01]|6553[45])(?!\d)|x0*(?:[0-8bcef]|1[\da-f]|fff[ef])(?![\da-f]));?", re.I
)
_CELL = re.compile(r"<t[dh]\b", re.I)
_SPACES = re.compile(r"[ \t]{2,}")
_OPENING = re.compile(r"<(/?)([a-z][\w:.-]{0,30})", re.I)
_LOOSE = frozenset(  # Elements that need not be closed.
    (
        "area",
        "base",
        "br",
        "col",
        "dd",
        "dt",
        "hr",
        "img",
        "input",
        "li",
        "link",
        "meta",
        "option",
        "p",
        "source",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "wbr",
    )
)
_BREAK = re.compile(r"<(?:br|hr|/p|/div|/tr|/li|/h[1-6]|/table|/blockquote)\b[^<>]*>", re.I)
_UNSEEN_PARTS = re.compile(
    r"<(script|style|head|template)\b(?:(?!</\1).)*(?:</\1[^<>]*>|$)|<!--(?:(?!-->).)*(?:-->|$)", re.I | re.S
)
_UNSEEN = re.compile(r"[\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2064\ufeff]")
# Joiners make one of several emoji and shape Persian and Indic letters; those beside space only fill previews.
_IDLE_JOINERS = re.compile(r"(?:(?<=\s)|^)[\u200c\u200d]+|[\u200c\u200d]+(?=\s|$)")
_BLANKS = re.compile(r"\n{3,}")

# Where e-mail programs put what is answered: Gmail, Apple Mail, Thunderbird, Yahoo, Outlook, Proton Mail, Naver, Zoho.
_QUOTES = etree.XPath(
    "//blockquote[@type='cite'] | //*[contains(concat(' ', normalize-space(@class), ' '), ' gmail_quote ')"
    " or contains(concat(' ', normalize-space(@class), ' '), ' gmail_quote_container ')"
    " or contains(concat(' ', normalize-space(@class), ' '), ' yahoo_quoted ')"
    " or contains(concat(' ', normalize-space(@class), ' '), ' moz-cite-prefix ')"
    " or contains(concat(' ', normalize-space(@class), ' '), ' protonmail_quote ')"
    " or contains(concat(' ', normalize-space(@class), ' '), ' zmail_extra ')]"
)
# Within Gmail's, where answers stand between what they answer.
_ANSWERED = etree.XPath(
    "//div[contains(@class, 'gmail_quote')]/blockquote | //div[contains(@class, 'gmail_quote')][blockquote]"
    "/*[contains(concat(' ', normalize-space(@class), ' '), ' gmail_attr ')]"
)
_REST_IS_QUOTED = etree.XPath(
    "//*[@id='divRplyFwdMsg' or @id='appendonsend' or @id='mail-editor-reference-message-container']"
)
_SIGNATURES = etree.XPath(
    "//*[contains(concat(' ', normalize-space(@class), ' '), ' gmail_signature ')"
    " or contains(concat(' ', normalize-space(@class), ' '), ' moz-signature ')"
    " or contains(concat(' ', normalize-space(@class), ' '), ' protonmail_signature_block ')"
    " or @id='Signature' or @id='ms-outlook-mobile-signature' or @data-signature='true']"
)
_UNSAID = etree.XPath("//script | //style | //head | //template | //noscript | //*[@hidden] | //comment()")
_STYLED = etree.XPath("//@style/..")
_UNSHOWN = re.compile(  # such as what inboxes show as a preview
    r"display\s*:\s*none|visibility\s*:\s*hidden|max-height\s*:\s*0(?![\d.])|(?<![\w-])opacity\s*:\s*0(?![\d.])", re.I
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What an HTML message says, by whom it was written."""

    text: str
    quoted: str = ""
    signature: str = ""


def text_of(markup: str) -> str:
    """Give the words of HTML, line by line; plain text stays as it is. Never fails."""
    if "<" not in markup and "&" not in markup:
        return markup
    tree = _tree(markup)
    return _stripped(markup) if tree is None else _text(tree)


def of_text(text: str) -> str:
    """Give HTML that says the same as plain text."""
    escaped = html.escape(text, quote=False).replace("\n", "<br>")
    return f"<div>{escaped}</div>"


def read(markup: str) -> Written:
    """Give the words of an HTML message, and apart from them those that its e-mail program marked as quoted."""
    tree = _tree(markup)
    if tree is None:
        return Written(text=_stripped(markup))
    within = bool(_ANSWERED(tree))
    for element in _REST_IS_QUOTED(tree):
        for following in list(element.itersiblings()):
            element.append(following)
    made = _read(tree, _QUOTES)
    if within and not made.text.strip() and (tree := _tree(markup)) is not None:
        made = _read(tree, _ANSWERED)
    return made


def _read(tree: lxml.html.HtmlElement, quotes: etree.XPath) -> Written:
    quoted = _apart(tree, [*quotes(tree), *_REST_IS_QUOTED(tree)])
    signature = _apart(tree, _SIGNATURES(tree))
    return Written(text=_text(tree), quoted=quoted, signature=signature)


def tidy(text: str) -> str:
    """Drop what nobody sees: invisible characters, space at the ends of lines, more than one empty line."""
    text = _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).replace("\u00a0", " ")
    text = _IDLE_JOINERS.sub("", text)
    return _BLANKS.sub("\n\n", "\n".join(line.rstrip() for line in text.split("\n"))).strip("\n")


def _stripped(markup: str) -> str:
    """Give the words of markup that is too deep or too large to be laid out."""
    markup = _BREAK.sub("\n", _UNSEEN_PARTS.sub(" ", markup[:LONGEST]))
    return tidy(_SPACES.sub(" ", html.unescape(_TAG.sub(" ", markup))))


def _tree(markup: str) -> lxml.html.HtmlElement | None:
    """Parse what there is of it; nothing when there is nothing, or more than can be laid out."""
    markup = markup[:LONGEST]
    cells = sum(1 for _ in _CELL.finditer(markup))
    if cells > _MOST_CELLS or markup.count("<") > _MOST_TAGS or _is_deep(markup):
        return None
    parser = lxml.html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        tree = lxml.html.document_fromstring(_fit(markup.encode("utf-8", "replace")), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None
    if any("depth" in each.message for each in parser.error_log):  # Nothing below was read.
        return None
    for element in _UNSAID(tree):
        if element is not tree:
            element.drop_tree()
    for element in _STYLED(tree):  # Layout of unlimited size, and nothing said.
        style = element.attrib.pop("style")
        if element.tag not in ("html", "body") and _UNSHOWN.search(style):
            element.drop_tree()
    return tree


def _fit(encoded: bytes) -> bytes:
    """Leave out what no element may hold."""
    encoded = encoded.translate(_FIT, _UNFIT).replace(b"\xef\xbf\xbe", b"").replace(b"\xef\xbf\xbf", b"")
    return _UNFIT_NUMBERS.sub(b" ", encoded) if b"&#" in encoded else encoded


def _is_deep(markup: str) -> bool:
    depth = 0
    for tag in _OPENING.finditer(markup):
        if tag[2].lower() not in _LOOSE:
            depth = max(0, depth - 1) if tag[1] else depth + 1
            if depth > _DEEPEST:
                return True
    return False


def _apart(tree: lxml.html.HtmlElement, elements: list[lxml.html.HtmlElement]) -> str:
    """Take elements out of the tree, each with what is within it, and give their words."""
    taken = set(elements)
    outermost = [each for each in elements if each is not tree and taken.isdisjoint(each.iterancestors())]
    shelf = lxml.html.Element("div")
    for element in outermost[:_MOST_QUOTES]:
        element.drop_tree()
        element.tail = None
        shelf.append(element)
    return _text(shelf) if len(shelf) else ""


def _text(tree: lxml.html.HtmlElement) -> str:
    return tidy(Inscriptis(tree, _CONFIG).get_text())
