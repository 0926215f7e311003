"""The trained network as it is served: sums of 8-bit integers, which are exact on any machine, do the heavy work."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.onnx import symbolic_helper
from training.calibration import Calibration
from training.network import FEATURES, FINE_HEADS, HANGUL_COUNT, HANGUL_FIRST, HEADS, Network, syllables

OPSET = 17
ZERO = 128  # what stands for 0 in an unsigned byte that can mean less
MOST = 127
# Weights keep to seven bits: processors without VNNI add two products of bytes in 16 bits.
MOST_WEIGHT = 63
RARE = 1e-6  # share of the table's values that are cut off, so that the others are finer
ROOM = 1.0  # times the largest value seen in the sample is what the bytes can say


@torch.library.custom_op("sori::convolution", mutates_args=())
def convolution(
    given: Tensor, weight: Tensor, scale: Tensor, bias: Tensor, zero: int, groups: int, pads: int
) -> Tensor:
    """Convolve bytes [texts, height, width, channels], rounding into bytes in which `zero` stands for 0."""
    values = (given.to(torch.float32) - ZERO).permute(0, 3, 1, 2)
    found = functional.conv2d(values, weight.to(torch.float32), padding=(0, pads), groups=groups)
    found = (found + bias.view(-1, 1, 1)) * scale.view(-1, 1, 1)
    return (found.round() + zero).clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


@symbolic_helper.parse_args("v", "v", "v", "v", "i", "i", "i")
def _node(graph: Any, given: Any, weight: Any, scale: Any, bias: Any, zero: int, groups: int, pads: int) -> Any:
    """Write a convolution as onnxruntime's own, which needs no transposes around it."""
    one = graph.op("Constant", value_t=torch.tensor(1.0))
    zeros = graph.op("Constant", value_t=torch.zeros(scale.type().sizes(), dtype=torch.int8))
    zero_given, zero_found = (
        graph.op("Constant", value_t=torch.tensor(value, dtype=torch.uint8)) for value in (ZERO, zero)
    )
    made = graph.op(
        "com.microsoft::QLinearConv",
        *(given, one, zero_given, weight, scale, zeros, one, zero_found, bias),
        channels_last_i=1,
        group_i=groups,
        kernel_shape_i=weight.type().sizes()[2:],
        pads_i=[0, pads, 0, pads],
    )
    return made.setType(given.type().with_sizes([None] * 4))


torch.onnx.register_custom_op_symbolic("sori::convolution", _node, OPSET)


class Served(nn.Module):
    """The trained network with integers where it spends its time, and calibrated probabilities at its end."""

    table: Tensor  # unsigned bytes [rows, columns]; behind the n-grams' rows stands one for each Hangul syllable
    places: Tensor  # the row of each slot that n-grams are hashed to
    weight: Tensor  # of the convolution
    neutral_shift: Tensor
    kote_shift: Tensor  # moves each label's threshold to a probability of 0.5

    def __init__(self, network: Network, found: Calibration, sample: list[Tensor]) -> None:
        """Quantise; the sample, batches of units, shows how large sums become."""
        super().__init__()
        self.hasher, self.trunk, self.first_syllable = network.hasher, network.trunk, network.shape.rows
        self.temperatures, self.shifts = found.temperatures, found.shifts
        self.register_buffer("neutral_shift", torch.tensor([0.0, found.shifts["sentiment"], 0.0]))
        thresholds = torch.tensor(found.kote_thresholds)
        self.register_buffer("kote_shift", torch.logit(thresholds))
        self.register_buffer("places", network.places)
        self.deep, self.channels = network.shape.deep, -(-network.shape.deep // 16) * 16  # Whole vectors are faster.
        with torch.inference_mode():
            parts = self._quantised(network, sample)
        for name, value in parts.items():
            self.register_buffer(name, value.clone())

    def _quantised(self, network: Network, sample: list[Tensor]) -> dict[str, Tensor]:
        trained = network.trunk.convolution
        table = torch.cat([network.table, _syllable_rows(network)])
        cut = np.quantile(table.abs().numpy(), 1 - RARE, axis=0).astype(np.float32)
        step = torch.from_numpy(cut) / MOST
        largest_sum, largest_seen = _largest(network, sample)
        sum_step, seen_step = largest_sum * ROOM / MOST, largest_seen * ROOM / (MOST + ZERO)

        weight = torch.zeros(trained.out_channels, self.channels, 1, network.shape.kernel)
        weight[:, : self.deep, 0] = trained.weight * sum_step[: self.deep].view(-1, 1)
        weight_step = weight.abs().amax(dim=(1, 2, 3)) / MOST_WEIGHT
        return {
            "table": ((table / step).round().clamp(-MOST, MOST) + ZERO).to(torch.uint8),
            "ones": torch.ones(table.shape[1], 1, FEATURES, 1, dtype=torch.int8),
            "no_bias": torch.zeros(table.shape[1], dtype=torch.int32),
            "sum_scale": step / sum_step,
            "sum_step": sum_step,
            "weight": (weight / weight_step.view(-1, 1, 1, 1)).round().to(torch.int8),
            "bias": (trained.bias / weight_step).round().to(torch.int32),
            "seen_scale": weight_step / seen_step,
            "seen_step": seen_step,
        }

    def forward(self, units: Tensor) -> tuple[Tensor, ...]:
        """Give the probabilities of sentiment, emotion, abuse, utterance and KOTE's emotions."""
        texts, length = units.shape
        real = (units > 0).to(torch.float32)
        count = real.sum(dim=1, keepdim=True)
        share = (real / count).view(texts, 1, length)

        columns, pads = self.table.shape[1], self.weight.shape[3] // 2
        rows = self.table[self._rows(units)].view(1, FEATURES, -1, columns)
        sums = convolution(rows, self.ones, self.sum_scale, self.no_bias, ZERO, columns, 0)
        sums = sums.view(texts, 1, length, columns)
        seen = convolution(sums[..., : self.channels], self.weight, self.seen_scale, self.bias, 0, 1, pads)
        seen = seen.view(texts, length, -1).to(torch.float32)
        sums = sums.view(texts, length, columns).to(torch.float32)
        mean_sum = (torch.bmm(share, sums).flatten(1) - ZERO) * self.sum_step
        mean_seen = torch.bmm(share, seen).flatten(1) * self.seen_step
        most_seen = (seen * real.view(texts, length, 1)).amax(dim=1) * self.seen_step

        pooled = torch.cat([most_seen, mean_seen, mean_sum[:, : self.deep]], dim=1)
        hidden = functional.relu(self.trunk.hidden(pooled))
        coarse = self.trunk.coarse(hidden) + mean_sum[:, self.deep :] * count.sqrt()
        sentiment, emotion, abuse, utterance = torch.split(coarse, list(HEADS.values()), dim=1)
        labels = FINE_HEADS["kote"]
        kote = functional.linear(hidden, self.trunk.fine.weight[:labels], self.trunk.fine.bias[:labels])
        mean_deep = mean_sum[:, : self.deep]
        kote = kote + functional.linear(mean_deep, self.trunk.fine_wide.weight[:labels]) * count.sqrt()
        heat = self.temperatures
        return (
            torch.softmax(sentiment / heat["sentiment"] + self.neutral_shift, dim=1),
            torch.softmax(emotion / heat["emotion"], dim=1),
            torch.sigmoid(abuse / heat["abuse"] + self.shifts["abuse"]).flatten(),
            torch.softmax(utterance / heat["utterance"], dim=1),
            torch.sigmoid(kote / heat["kote"] - self.kote_shift),
        )

    def _rows(self, units: Tensor) -> Tensor:
        rows = self.places[self.hasher(units)]
        syllable, hangul = syllables(units)
        letters = torch.where(hangul, (self.first_syllable + syllable).to(torch.int32), rows[:1])
        return torch.cat([letters, rows[1:]])


def _syllable_rows(network: Network) -> Tensor:
    """Add what the jamo of each syllable say to the row that stands for it."""
    units = HANGUL_FIRST + torch.arange(HANGUL_COUNT).unsqueeze(1)
    rows = network.table[network.places[network.hasher(units)[0, :, 0]]]
    return rows + functional.pad(network.trunk.jamo(units).squeeze(1), (0, rows.shape[1] - network.shape.deep))


def _largest(network: Network, sample: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Give the largest sum of each column, and the largest answer of each channel of the convolution."""
    convolution, deep = network.trunk.convolution, network.shape.deep
    largest_sum = torch.zeros(network.table.shape[1])
    largest_seen = torch.zeros(convolution.out_channels)
    for units in sample:
        rows = network.places[network.hasher(units)].permute(1, 2, 0)
        summed = functional.embedding_bag(rows.reshape(-1, FEATURES), network.table, mode="sum").view(*units.shape, -1)
        summed[..., :deep] += network.trunk.jamo(units)
        largest_sum = torch.maximum(largest_sum, summed.abs().amax(dim=(0, 1)))
        seen = convolution(summed[..., :deep].transpose(1, 2))
        largest_seen = torch.maximum(largest_seen, seen.amax(dim=(0, 2)))
    return largest_sum, largest_seen
