"""The network as it is trained: hashed n-grams and jamo, a convolution over them, and heads that are wide and deep."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

PRIME = 2_147_483_647
STEP = 1_000_003  # multiplier of the rolling hash; PRIME * STEP stays below 2**63
HANGUL_FIRST, HANGUL_COUNT = 0xAC00, 11_172
INITIALS, VOWELS, FINALS = 19, 21, 28
FEATURES = 7  # rows of the table that a position looks up
REACH = 3  # places that an n-gram goes on after its first unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How large the parts are."""

    slots: int = 2**21  # that n-grams are hashed to
    rows: int = 5 * 2**16  # of the table: one for each of the slots that are met most often, none for the others
    deep: int = 62
    channels: int = 192
    hidden: int = 192
    kernel: int = 5


HEADS = {"sentiment": 3, "emotion": 10, "abuse": 1, "utterance": 4}  # each has wide columns in the table
LABELLED = {"kote": 44, "goemotions": 28}  # several labels at once; without wide columns
FINE_HEADS = LABELLED | {"stars": 10}  # the stars help only to learn from
WIDE = sum(HEADS.values())


class Hasher(nn.Module):
    """Turns UTF-16 code units [texts, length] into slots of n-grams [FEATURES, texts, length]."""

    multipliers: Tensor
    offsets: Tensor

    def __init__(self, slots: int) -> None:
        super().__init__()
        self.slots = slots
        features = torch.arange(FEATURES).view(-1, 1, 1)
        self.register_buffer("multipliers", STEP + 2 * features, persistent=False)
        self.register_buffer("offsets", 977 * (features + 1), persistent=False)

    def forward(self, units: Tensor) -> Tensor:
        """Give the slots; 0 where an n-gram runs over the end."""
        padded = functional.pad(units, (0, REACH))
        syllable, hangul = syllables(padded)
        final = torch.where(hangul, syllable % FINALS, 0)
        # A syllable without its final consonant: 했 and 해, 좋 and 조 become one.
        _, opened_1, opened_2, _ = _shifts(padded - final)
        here, unit_1, unit_2, unit_3 = _shifts(padded)
        final_here, _, _, _ = _shifts(final)
        second = (here * STEP + unit_1) % PRIME
        third = (second * STEP + unit_2) % PRIME
        fourth = (third * STEP + unit_3) % PRIME
        open_second = (here * STEP + opened_1) % PRIME
        open_third = (second * STEP + opened_2) % PRIME
        final_second = ((final_here + 1) * STEP + unit_1) % PRIME
        keys = torch.stack([here, second, third, fourth, open_second, open_third, final_second])
        lasts = torch.stack([here, unit_1, unit_2, unit_3, unit_1, unit_2, unit_1])
        mixed = (keys * self.multipliers + self.offsets) % PRIME
        return torch.where(lasts > 0, mixed % (self.slots - 1) + 1, 0)


def syllables(units: Tensor) -> tuple[Tensor, Tensor]:
    """Give the number of each Hangul syllable, and which units are one; other units have a number that says nothing."""
    syllable = units - HANGUL_FIRST
    return syllable, (syllable >= 0) & (syllable < HANGUL_COUNT)


def _shifts(padded: Tensor) -> list[Tensor]:
    """Give what a position sees 0 to REACH places after it."""
    return [padded[:, by : by - REACH if by < REACH else None] for by in range(REACH + 1)]


class Jamo(nn.Module):
    """What the initial, vowel and final of a Hangul syllable add to a position; zeros for anything else."""

    def __init__(self, deep: int) -> None:
        super().__init__()
        self.initial = nn.Embedding(INITIALS + 1, deep, padding_idx=0)
        self.vowel = nn.Embedding(VOWELS + 1, deep, padding_idx=0)
        self.final = nn.Embedding(FINALS + 1, deep, padding_idx=0)
        for table in (self.initial, self.vowel, self.final):
            nn.init.normal_(table.weight, std=0.05)
            table.weight.data[0].zero_()

    def forward(self, units: Tensor) -> Tensor:
        """Give a vector for each unit [texts, length, deep]."""
        syllable, hangul = syllables(units)
        parts = (syllable // (VOWELS * FINALS), syllable // FINALS % VOWELS, syllable % FINALS)
        initial, vowel, final = (torch.where(hangul, part + 1, 0) for part in parts)
        return self.initial(initial) + self.vowel(vowel) + self.final(final)  # type: ignore[no-any-return]


class Trunk(nn.Module):
    """Everything behind the table."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.jamo = Jamo(shape.deep)
        self.convolution = nn.Conv1d(shape.deep, shape.channels, shape.kernel, padding=shape.kernel // 2)
        pooled = shape.channels * 2 + shape.deep
        self.hidden = nn.Linear(pooled, shape.hidden)
        self.dropout = nn.Dropout(0.25)
        self.coarse = nn.Linear(shape.hidden, WIDE)
        self.fine = nn.Linear(shape.hidden, sum(FINE_HEADS.values()))
        self.fine_wide = nn.Linear(shape.deep, sum(FINE_HEADS.values()), bias=False)

    def forward(self, summed: Tensor, units: Tensor) -> tuple[Tensor, Tensor]:
        """Give the logits of the coarse heads and of the fine ones, from the summed table rows of each position."""
        mask = (units > 0).to(summed.dtype).unsqueeze(2)
        count = mask.sum(dim=1)
        wide = summed[:, :, self.shape.deep :].sum(dim=1) / count.sqrt()
        deep = (summed[:, :, : self.shape.deep] + self.jamo(units)) * mask
        mean_deep = deep.sum(dim=1) / count
        # Half precision halves the time on processors that have it, and is as good here.
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.training):
            seen = functional.relu(self.convolution(deep.transpose(1, 2)))
            seen = seen * mask.transpose(1, 2).to(seen.dtype)
            most_seen, mean_seen = seen.amax(dim=2).float(), seen.sum(dim=2).float() / count
        pooled = torch.cat([most_seen, mean_seen, mean_deep], dim=1)
        hidden = self.dropout(functional.relu(self.hidden(self.dropout(pooled))))
        return self.coarse(hidden) + wide, self.fine(hidden) + self.fine_wide(mean_deep * count.sqrt())


class Network(nn.Module):
    """Hasher, table and trunk, as they are trained."""

    table: Tensor
    places: Tensor  # the row of each slot; 0, which is empty, for those that have none

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.hasher = Hasher(shape.slots)
        self.register_buffer("places", torch.zeros(shape.slots, dtype=torch.int32))
        table = torch.empty(shape.rows, shape.deep + WIDE).normal_(std=0.05)
        table[:, shape.deep :] = 0
        table[0] = 0
        self.register_buffer("table", table)  # no parameter: TableAdam touches only the rows that a batch looks up
        self.trunk = Trunk(shape)
        self.forget = 0.0  # share of table rows that training hides, so that no n-gram is relied on alone
        self.looked_up: tuple[Tensor, Tensor] | None = None  # which rows, and they

    def place(self, batches: Iterable[Tensor]) -> None:
        """Give the n-grams that texts hold most often a row each, so that rare ones do not disturb them."""
        counts = torch.zeros(self.shape.slots, dtype=torch.int64)
        for units in batches:
            counts += torch.bincount(self.hasher(units).flatten(), minlength=self.shape.slots)
        counts[0] = 0
        chosen = counts.argsort(descending=True, stable=True)[: self.shape.rows - 1]
        self.places[chosen] = torch.arange(1, self.shape.rows, dtype=torch.int32)

    def forward(self, units: Tensor) -> tuple[Tensor, Tensor]:
        """Give the logits of the coarse heads and of the fine ones."""
        rows = self.places[self.hasher(units).permute(1, 2, 0)]
        if self.training:
            rows = rows * (torch.rand(rows.shape) >= self.forget)
            numbers, rows = torch.unique(rows, return_inverse=True)
            table = self.table[numbers].requires_grad_(True)
            self.looked_up = numbers, table
        else:
            table = self.table
        summed = functional.embedding_bag(rows.reshape(-1, FEATURES), table, mode="sum")
        coarse, fine = self.trunk(summed.view(units.shape[0], units.shape[1], -1), units)
        return coarse, fine


class TableAdam:
    """Adam on the rows of the table that the last batch looked up, which is a hundredth of them."""

    FIRST, SECOND, TINY = 0.9, 0.999, 1e-8

    def __init__(self, network: Network) -> None:
        self._network = network
        self._mean = torch.zeros_like(network.table)
        self._square = torch.zeros_like(network.table)
        self._steps = 0

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Move the rows along the gradient that the last backward pass left; row 0 stays zero."""
        if self._network.looked_up is None:
            raise ValueError("no batch was looked up")
        numbers, looked_up = self._network.looked_up
        if looked_up.grad is None:
            raise ValueError("no backward pass was made")
        real = numbers > 0
        numbers, slope = numbers[real], looked_up.grad[real]
        self._steps += 1
        mean = self._mean[numbers].mul_(self.FIRST).add_(slope, alpha=1 - self.FIRST)
        square = self._square[numbers].mul_(self.SECOND).addcmul_(slope, slope, value=1 - self.SECOND)
        self._mean[numbers], self._square[numbers] = mean, square
        bias = (1 - self.SECOND**self._steps) ** 0.5 / (1 - self.FIRST**self._steps)
        self._network.table.index_add_(0, numbers, mean.div_(square.sqrt_().add_(self.TINY)), alpha=-rate * bias)

    def state_dict(self) -> dict[str, Any]:
        """Give what a later run needs to go on."""
        return {"mean": self._mean, "square": self._square, "steps": self._steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from where another run was."""
        self._mean, self._square, self._steps = state["mean"], state["square"], state["steps"]
