"""bf16: does a model learn in it, how far is it from fp32, and how many tokens a second?

Plain torch and transformers, no trainer: a failure here is the machine's, not ours.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from tools.outcomes.finding import Finding, verdict

STEPS = 30
CLOSE = 0.05
"""Largest mean |log p(bf16) - log p(fp32)| of a sound bf16 path; about 0.004 on a CPU."""


@dataclass(frozen=True)
class Size:
    """Of a random Qwen2 and a batch for it."""

    hidden: int = 256
    layers: int = 4
    vocabulary: int = 4096
    rows: int = 8
    tokens: int = 256

    def model(self, dtype: torch.dtype, device: str) -> Qwen2ForCausalLM:
        """The same weights for every precision and device."""
        torch.manual_seed(0)
        config = Qwen2Config(
            vocab_size=self.vocabulary,
            hidden_size=self.hidden,
            intermediate_size=4 * self.hidden,
            num_hidden_layers=self.layers,
            num_attention_heads=self.hidden // 64,
            num_key_value_heads=self.hidden // 64,
            dtype="float32",
        )
        model = Qwen2ForCausalLM(config)
        torch.nn.Module.to(model, device=torch.device(device), dtype=dtype)
        return model

    def batch(self, device: str) -> torch.Tensor:
        """Token ids of shape (rows, tokens)."""
        generator = torch.Generator().manual_seed(1)
        shape = (self.rows, self.tokens)
        return torch.randint(self.vocabulary, shape, generator=generator).to(device)


LARGE = Size(hidden=1024, layers=24, vocabulary=32_768, rows=8, tokens=1024)
"""About 0.5 billion parameters."""


def bf16(device: str, size: Size | None = None, lr: float = 1e-3) -> Finding:
    """A bf16 model learns a batch by heart, and starts where the fp32 one does."""
    size = size or Size()
    batch = size.batch(device)
    gap = _gap(size, batch, device)
    losses = _learned(size.model(torch.bfloat16, device), batch, lr)
    text = f"loss {losses[0]:.3f} -> {losses[-1]:.3f} in {STEPS} steps; |dlogp| to fp32 {gap:.4f}"
    right = losses[-1] < losses[0] / 2 and gap < CLOSE
    return verdict("bf16", right, text, "the GPU or torch computes bf16 wrongly: try another torch")


def throughput(device: str, size: Size = LARGE, faster: float = 1.2) -> Finding:
    """Tokens a second of forward, backward and AdamW in bf16, and how much faster than fp32."""
    batch = size.batch(device)
    half, parameters = _speed(size, torch.bfloat16, batch, device)
    full, _ = _speed(size, torch.float32, batch, device)
    flops = 6 * parameters * half / 1e12
    text = (
        f"{half:,.0f} tokens/s in bf16 ({flops:.1f} TFLOP/s), {half / full:.2f} x fp32, "
        f"{parameters / 1e6:,.0f} million parameters, {size.rows} rows of {size.tokens} tokens"
    )
    remedy = f"bf16 should be {faster} x fp32 at least: is the GPU free, and has it bf16 units?"
    return verdict("throughput", half / full >= faster, text, remedy)


def _gap(size: Size, batch: torch.Tensor, device: str) -> float:
    with torch.no_grad():
        each = [
            size.model(dtype, device)(input_ids=batch).logits.float().log_softmax(-1)
            for dtype in (torch.float32, torch.bfloat16)
        ]
    chosen = [one[:, :-1].gather(-1, batch[:, 1:, None]) for one in each]
    return float((chosen[0] - chosen[1]).abs().mean())


def _learned(model: Qwen2ForCausalLM, batch: torch.Tensor, lr: float) -> list[float]:
    """The loss before each step; the optimizer's own copy of the weights is fp32, as ZeRO's."""
    masters = [p.detach().float().clone() for p in model.parameters()]
    optimizer = torch.optim.AdamW(masters, lr=lr, weight_decay=0.0)
    losses = []
    for _ in range(STEPS):
        loss = model(input_ids=batch, labels=batch).loss
        losses.append(float(loss.detach()))
        model.zero_grad()
        loss.backward()
        for master, parameter in zip(masters, model.parameters(), strict=True):
            assert parameter.grad is not None
            master.grad = parameter.grad.float()
        optimizer.step()
        with torch.no_grad():
            for master, parameter in zip(masters, model.parameters(), strict=True):
                parameter.copy_(master)
    return losses


def _speed(size: Size, dtype: torch.dtype, batch: torch.Tensor, device: str) -> tuple[float, int]:
    """Tokens a second, of the fastest of five steps, and the number of parameters."""
    model = size.model(dtype, device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6)

    def step() -> None:
        optimizer.zero_grad()
        model(input_ids=batch, labels=batch).loss.backward()
        optimizer.step()

    _timed(step, device)
    seconds = min(_timed(step, device) for _ in range(5))
    return batch.numel() / seconds, model.num_parameters()


def _timed(work: Callable[[], object], device: str) -> float:
    begun = time.perf_counter()
    work()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return time.perf_counter() - begun
