"""The command `sori`."""

import typer

from sori_cli import (
    cases,
    classify,
    corrections,
    dead_letters,
    deliveries,
    feed,
    identity,
    imports,
    journey,
    quarantine,
    rules,
    sla,
    sources,
    status,
    timeline,
    tokens,
    up,
)

app = typer.Typer(
    name="sori",
    help="Every customer and employee voice, on one line. Start with `sori up --sample`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # Its tracebacks show local variables, and those hold personal data.
)
app.command("up")(up.up)
app.add_typer(identity.app, name="identity")
app.add_typer(journey.app, name="journey")
app.add_typer(journey.segments_app, name="segments")
app.command("import")(imports.import_file)
app.command("classify")(classify.classify)
app.command("feed")(feed.feed)
app.command("timeline")(timeline.timeline)
app.add_typer(cases.app, name="cases")
app.add_typer(corrections.app, name="corrections")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(sla.app, name="sla")
app.add_typer(sources.app, name="sources")
app.add_typer(rules.app, name="rules")
app.add_typer(deliveries.app, name="deliveries")
app.command("token")(tokens.token)
app.command("status")(status.status)
