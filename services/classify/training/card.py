"""The model's card: where it comes from, what it can do, where it fails."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.calibration import Calibration
from training.corpora import SOURCES, Labels
from training.network import Shape
from training.trainer import Plan

from sori_classify.domain import EMOTIONS, UTTERANCES, Sentiment

WEAKNESSES = (
    "Trained mostly on movie reviews and online comments: on service texts expect less than on its own test split.",
    "Sarcasm, and praise and blame in one text, are often misread; the answer is for the text as a whole.",
    "Neutral is learnt from five- and six-star reviews, emotion labels and weak labels: the weakest sentiment class.",
    "English abuse and English utterance types are learnt from weak labels (patterns), not from people's labels.",
    "Abuse follows the labels of Korean news and community comments: insults and hate of those years and topics.",
    "Questions and requests in Korean are learnt from spoken-style sentences, most of them with one clause.",
    "A clause that only context makes a complaint (`one week already`) looks neutral.",
    "Only Korean and English; every other language has to be kept away by the language rule.",
    "Two runs with other settings (table rate, forgetting, phrases) and one with these went before on the same split.",
    "They differ by at most 0.01 on sets of over 3,000 texts; on the small sets a figure moves by 0.03 by chance.",
    "Not measured here: robustness to typing errors and dialect, and any difference between groups of authors.",
    "Reads at most 512 code units of a text: its beginning and its end.",
)


_ABOUT = (
    "Sentiment, emotion, abuse and utterance type of Korean and English texts, in one ONNX graph that takes UTF-16 "
    "code units. Written by `python -m training train`; the figures below are measured on the exported file."
)
_SPLIT = (
    "The split is by a hash of the text, so that no text of the test split was trained on, in whichever set it stands. "
    "*Majority* always gives the commonest answer. *ECE* is the expected calibration error over 15 bins. "
    "For emotion, an answer is right when it is among the groups that the annotators named."
)


def write(
    folder: Path,
    *,
    plan: Plan,
    shape: Shape,
    checksums: dict[str, str],
    rows: dict[str, int],
    calibration: Calibration,
) -> dict[str, Any]:
    """Write card.json without measured figures; the model cannot be loaded without it."""
    content = (folder / "model.onnx").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    labels = Labels.load()
    card = {
        "name": folder.name,
        "version": f"{folder.name}+{digest[:8]}",
        "sha256": digest,
        "bytes": len(content),
        "input": {
            "units": "uint16 [texts, length], zero-padded",
            "text": "NFC, lower case, white space folded, at most two of a character in a row, one space at each end, "
            "UTF-16 code units",
        },
        "labels": {
            "sentiment": list(Sentiment),
            "emotion": list(EMOTIONS),
            "utterance": list(UTTERANCES),
            "kote": [str(row[0]) for row in labels.kote],
        },
        "kote_thresholds": calibration.kote_thresholds,
        "calibration": {"temperatures": calibration.temperatures, "shifts": calibration.shifts},
        "training": {"seed": plan.seed, "plan": asdict(plan), "shape": asdict(shape)},
        "data": [
            asdict(source) | {"sha256": checksums[source.file], "rows_used": rows[source.name]} for source in SOURCES
        ]
        + [
            {
                "name": "phrases",
                "file": "services/classify/training/phrases.yaml",
                "repository": "this one",
                "licence": "as the project",
                "rows_used": rows["phrases"],
            }
        ],
        "weaknesses": list(WEAKNESSES),
    }
    save(folder, card)
    return card


def save(folder: Path, card: dict[str, Any]) -> None:
    """Write the card as JSON and as a page."""
    (folder / "card.json").write_text(json.dumps(card, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    if "measured" in card:
        (folder / "MODEL_CARD.md").write_text(_page(card), encoding="utf-8")


def _page(card: dict[str, Any]) -> str:
    measured = card["measured"]
    lines = [
        f"# {card['name']}",
        "",
        _ABOUT,
        "",
        f"- Version `{card['version']}`, SHA-256 `{card['sha256']}`, {card['bytes'] / 1e6:.1f} MB",
        f"- Seed {card['training']['seed']}, {card['training']['plan']['epochs']} epochs",
        f"- {card['training']['shape']['buckets']:,} buckets; table and convolution in 8-bit integers",
        f"- About {measured['short_texts_per_second_one_thread']:,} short texts a second on one core, with encoding",
        "- Input: " + card["input"]["text"],
        "",
        "## Measured on its own test split",
        "",
        _SPLIT,
        "",
        "| task | set | texts | accuracy | majority | macro-F1 | ECE |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['task']} | {row['source']} | {row['texts']:,} | {row['accuracy']:.3f} | {row['majority']:.3f} | "
        f"{row['macro_f1']:.3f} | {row['calibration_error']:.3f} |"
        for row in measured["figures"]
    ]
    lines += [
        "",
        f"KOTE's 44 emotions, each with its threshold of card.json: macro-F1 {measured['kote_44_macro_f1']:.3f}.",
        "",
        "## Data and credits",
        "",
        "None of it is stored in this repository. Labels were mapped as `services/classify/training/labels.yaml` says.",
        "",
        "| set | source | licence | rows used | SHA-256 of the file |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['name']} | {row['repository']} | {row['licence']} | {row['rows_used']:,} | "
        f"`{row.get('sha256', '')[:16]}`{'…' if 'sha256' in row else ''} |"
        for row in card["data"]
    ]
    lines += ["", "## Known weaknesses", ""]
    lines += [f"- {weakness}" for weakness in card["weaknesses"]]
    return "\n".join(lines) + "\n"
