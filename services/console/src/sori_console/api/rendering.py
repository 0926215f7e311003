"""Templates to responses, in the viewer's language."""

import datetime as dt
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse

from sori_console.domain import figures, lines, times
from sori_console.domain.words import Language, Words
from sori_kit.clock import Clock

_KEPT_PARAMETERS = frozenset({"kind", "unit"})  # of an address when the language changes; never a token


class Renderer:
    """Renders pages, fragments and single lines; everything that is put in is escaped."""

    def __init__(self, zone: ZoneInfo, clock: Clock) -> None:
        self.zone = zone
        self.clock = clock
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("sori_console"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        writers = {"signed": figures.signed, "percent": figures.percent}
        self._templates.filters |= writers
        self._templates.globals |= {**writers, "ABSENT": figures.ABSENT, "TREND": (figures.WIDTH, figures.HEIGHT)}

    def response(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        **values: object,
    ) -> HTMLResponse:
        """Answer with a template, in the language of the request."""
        words = language_of(request)
        other = Language.EN if words.language is Language.KO else Language.KO
        kept = {name: value for name, value in request.query_params.items() if name in _KEPT_PARAMETERS}
        html = self.render(
            template,
            words,
            caller=getattr(request.state, "caller", None),
            other_language=urlencode({**kept, "lang": other}),
            path=request.scope["path"],
            **values,
        )
        return HTMLResponse(html, status, {"Vary": "Accept-Language, Cookie", **(headers or {})})

    def line(self, line: lines.Line, words: Words) -> str:
        """Render one line of the feed as the page itself does."""
        return self.render("line.html", words, line=line)

    def render(self, template: str, words: Words, **values: object) -> str:
        """Render a template to text."""
        now = self.clock.now()

        def moment(time: dt.datetime) -> str:
            return times.moment(time, now=now, zone=self.zone, language=words.language)

        return self._templates.get_template(template).render(
            words=words,
            now=now,
            moment=moment,
            exact=lambda time: times.exact(time, self.zone),
            week=lambda week: times.week_label(week, words),
            **values,
        )


def language_of(request: Request) -> Words:
    """Give the catalogue that was chosen for this request."""
    words: Words = request.state.words
    return words
