"""The network: hashed n-grams and jamo in one table, a convolution over them, and heads that are wide and deep."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

PRIME = 2_147_483_647
STEP = 1_000_003  # multiplier of the rolling hash; PRIME * STEP stays below 2**63
HANGUL_FIRST, HANGUL_COUNT = 0xAC00, 11_172
FEATURES = 7  # rows of the table that a position looks up


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How large the parts are."""

    buckets: int = 2**18
    deep: int = 46
    channels: int = 128
    hidden: int = 128
    kernel: int = 5


HEADS = {"sentiment": 3, "emotion": 10, "abuse": 1, "utterance": 4}  # each has wide columns in the table
FINE_HEADS = {"kote": 44, "goemotions": 28}  # deep only
WIDE = sum(HEADS.values())


def _shift(values: Tensor, by: int) -> Tensor:
    """Move to the left, so that a position sees what stands `by` places after it; zeros come in."""
    if by == 0:
        return values
    zeros = torch.zeros_like(values[:, :1])
    for _ in range(by):
        values = torch.cat([values[:, 1:], zeros], dim=1)
    return values


class Hasher(nn.Module):
    """Turns UTF-16 code units [texts, length] into rows of the table [texts, length, FEATURES] and jamo."""

    def __init__(self, buckets: int) -> None:
        super().__init__()
        self.buckets = buckets

    def forward(self, units: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Give rows (0 where an n-gram runs over the end), initials, vowels, finals and which positions are real."""
        syllable = units - HANGUL_FIRST
        hangul = (syllable >= 0) & (syllable < HANGUL_COUNT)
        inside = torch.where(hangul, syllable, torch.zeros_like(syllable))
        final = inside % 28
        vowel = torch.div(inside, 28, rounding_mode="trunc") % 21
        initial = torch.div(inside, 588, rounding_mode="trunc")
        is_hangul = hangul.to(torch.int64)
        opened = units - final  # The syllable without its final consonant: 했 and 해, 좋 and 조 become one.
        second = units * STEP + _shift(units, 1)
        third = (second % PRIME) * STEP + _shift(units, 2)
        fourth = (third % PRIME) * STEP + _shift(units, 3)
        keys = [
            (units, 0),
            (second, 1),
            (third, 2),
            (fourth, 3),
            (units * STEP + _shift(opened, 1), 1),
            ((second % PRIME) * STEP + _shift(opened, 2), 2),
            ((final + 1) * STEP + _shift(units, 1), 1),
        ]
        rows = []
        for at, (key, reach) in enumerate(keys):
            mixed = ((key % PRIME) * (STEP + 2 * at) + 977 * (at + 1)) % PRIME
            row = mixed % (self.buckets - 1) + 1
            rows.append(torch.where(_shift(units, reach) > 0, row, torch.zeros_like(row)))
        return (
            torch.stack(rows, dim=2),
            (initial + 1) * is_hangul,
            (vowel + 1) * is_hangul,
            (final + 1) * is_hangul,
            units > 0,
        )


class Trunk(nn.Module):
    """Everything behind the table."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.initial = nn.Embedding(20, shape.deep, padding_idx=0)
        self.vowel = nn.Embedding(22, shape.deep, padding_idx=0)
        self.final = nn.Embedding(29, shape.deep, padding_idx=0)
        for table in (self.initial, self.vowel, self.final):
            nn.init.normal_(table.weight, std=0.05)
            table.weight.data[0].zero_()
        self.convolution = nn.Conv1d(shape.deep, shape.channels, shape.kernel, padding=shape.kernel // 2)
        self.hidden = nn.Linear(shape.channels * 2 + shape.deep, shape.hidden)
        self.dropout = nn.Dropout(0.25)
        self.coarse = nn.Linear(shape.hidden, WIDE)
        self.fine = nn.Linear(shape.hidden, sum(FINE_HEADS.values()))

    def forward(
        self, summed: Tensor, initial: Tensor, vowel: Tensor, final: Tensor, real: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Give the logits of the coarse heads and of the fine ones, from the summed table rows of each position."""
        mask = real.to(summed.dtype).unsqueeze(2)
        count = mask.sum(dim=1)
        wide = summed[:, :, self.shape.deep :].sum(dim=1) / count.sqrt()
        deep = summed[:, :, : self.shape.deep] + self.initial(initial) + self.vowel(vowel) + self.final(final)
        deep = deep * mask
        seen = functional.relu(self.convolution(deep.transpose(1, 2)).transpose(1, 2)) * mask
        pooled = torch.cat([seen.amax(dim=1), seen.sum(dim=1) / count, deep.sum(dim=1) / count], dim=1)
        hidden = self.dropout(functional.relu(self.hidden(self.dropout(pooled))))
        return self.coarse(hidden) + wide, self.fine(hidden)


class Network(nn.Module):
    """Hasher, table and trunk, as they are trained."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.hasher = Hasher(shape.buckets)
        self.table = nn.EmbeddingBag(shape.buckets, shape.deep + WIDE, mode="sum", sparse=True, padding_idx=0)
        nn.init.normal_(self.table.weight, std=0.05)
        self.table.weight.data[:, shape.deep :].zero_()
        self.table.weight.data[0].zero_()
        self.trunk = Trunk(shape)
        self.forget = 0.0  # share of table rows that training hides, so that no n-gram is relied on alone

    def forward(self, units: Tensor) -> tuple[Tensor, Tensor]:
        """Give the logits of the coarse heads and of the fine ones."""
        rows, initial, vowel, final, real = self.hasher(units)
        if self.training and self.forget > 0:
            rows = rows * (torch.rand(rows.shape) >= self.forget)
        summed = self.table(rows.view(-1, FEATURES)).view(units.shape[0], units.shape[1], -1)
        coarse, fine = self.trunk(summed, initial, vowel, final, real)
        return coarse, fine


class Exported(nn.Module):
    """The trained network with a table of int8 rows, and calibrated probabilities at its end."""

    def __init__(self, network: Network, temperatures: dict[str, float], shifts: dict[str, float]) -> None:
        super().__init__()
        self.hasher = network.hasher
        self.trunk = network.trunk
        weight = network.table.weight.detach()
        scale = weight.abs().amax(dim=1, keepdim=True) / 127
        quantised = torch.where(scale > 0, weight / scale, torch.zeros_like(weight)).round().to(torch.int8)
        self.register_buffer("table", quantised)
        self.register_buffer("scale", scale)
        self.temperatures = temperatures
        self.shifts = shifts

    def forward(self, units: Tensor) -> tuple[Tensor, ...]:
        """Give the probabilities of sentiment, emotion, abuse, utterance and KOTE's emotions."""
        rows, initial, vowel, final, real = self.hasher(units)
        summed = (self.table[rows].to(torch.float32) * self.scale[rows]).sum(dim=2)  # type: ignore[index]
        coarse, fine = self.trunk(summed, initial, vowel, final, real)
        sentiment, emotion, abuse, utterance = torch.split(coarse, list(HEADS.values()), dim=1)
        kote = fine[:, : FINE_HEADS["kote"]]
        heat = self.temperatures
        return (
            torch.softmax(sentiment / heat["sentiment"], dim=1),
            torch.softmax(emotion / heat["emotion"], dim=1),
            torch.sigmoid(abuse / heat["abuse"] + self.shifts["abuse"]).squeeze(1),
            torch.softmax(utterance / heat["utterance"], dim=1),
            torch.sigmoid(kote / heat["kote"]),
        )
