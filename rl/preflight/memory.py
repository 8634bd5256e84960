"""How much memory a run takes of each device: an estimate, part by part.

Weights, gradients and optimizer are exact for DeepSpeed's ZeRO (arXiv 1910.02054, section 3), on
the host too. The activations are those of one micro-batch: `optimizer.micro_tokens` where it is set
or prefixes are shared, else rows as long as the window, the longest that can come; logits are those
of the replies, which a micro-batch by tokens may nearly all be. Fragmentation is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rl.preflight.shape import Shape
from rl.settings.config import Config
from tools.outcomes.finding import Finding, failure, ok, warning

GIB = 2**30
OTHERS = 4 * GIB
"""Of a GPU: what CUDA keeps of up to three processes, the graphs of a sleeping engine, DeepSpeed's
buckets (`reduce_bucket_size`, 0.9 GiB in bf16)."""


@dataclass(frozen=True)
class Budget:
    """Bytes of one rank of the policy; `host` is in the machine's memory, for all its ranks."""

    weights: float
    gradients: float
    optimizer: float
    reference: float
    activations: float
    """Of a micro-batch, or what the optimizer's step takes instead, if that is more."""
    others: float
    engine_weights: float
    cache_token: int
    """KV cache of one token in one engine's GPU."""
    host: float

    @property
    def resident(self) -> float:
        """What the policy's rank holds at all times."""
        return self.weights + self.gradients + self.optimizer + self.reference

    def describe(self) -> str:
        """The parts, in GiB."""
        parts = {
            "weights": self.weights,
            "gradients": self.gradients,
            "optimizer": self.optimizer,
            "reference": self.reference,
            "activations": self.activations,
            "others": self.others,
        }
        return " + ".join(f"{name} {gib(size)}" for name, size in parts.items() if size)


def gib(size: float) -> str:
    """Bytes for a reader."""
    return f"{size / GIB:.1f} GiB" if size >= GIB / 10 else f"{size / 2**20:.1f} MiB"


def budget(config: Config, shape: Shape) -> Budget:
    """The estimate for a configuration; on CPU one machine holds the sum of all parts."""
    n, ranks, stage = shape.parameters, config.placement.ranks, config.optimizer.zero_stage
    wide = 4 if config.model.dtype == "fp32" else 2
    # Adam's two moments and ZeRO's own fp32 copy of what is trained, whatever its precision.
    lora = config.model.lora
    trained = shape.adapters(lora.rank, lora.targets) if lora.rank else n
    weights = n * wide / (ranks if stage == 3 else 1)
    offload, away = config.optimizer.offload, config.model.reference_offload
    reference = weights if config.algorithm.kl else 0.0
    on_gpu = config.engine.device == "gpu"
    beside = on_gpu and config.placement.colocate == "none"
    # An fp32 copy of the rank's gradients, by way of a flat one.
    step = 6 * trained / ranks if on_gpu and stage < 3 and not offload else 0.0
    return Budget(
        weights=weights,
        gradients=0.0 if offload else trained * wide / (ranks if stage >= 2 else 1),
        optimizer=0.0 if offload else trained * 12 / ranks,
        reference=0.0 if away or beside else reference,
        activations=max(_activations(config, shape, wide), step),
        others=OTHERS + _mask(config) if on_gpu else 0.0,
        engine_weights=n * wide / config.engine.tensor_parallel,
        cache_token=shape.cache(wide) // config.engine.tensor_parallel,
        host=_host(config, n, trained, reference),
    )


def _host(config: Config, weights: int, trained: int, reference: float) -> float:
    """Bytes in the memory of one machine.

    Offloaded are fp32 weights, two moments, gradients in fp32 and those that are summed up. An
    engine that sleeps leaves its weights in pinned pages, and torch rounds each up to a power of
    two: 1.9 times at 7B.
    """
    place, engine = config.placement, config.engine
    offloaded = trained * 18 / place.nodes if config.optimizer.offload else 0.0
    away = reference * place.gpus if config.model.reference_offload else 0.0
    asleep = engine.count * weights * 2 * 2 / place.nodes if engine.sleep else 0.0
    return offloaded + away + asleep


def _mask(config: Config) -> float:
    """FlexAttention's mask of a tree is dense while it is made (`rl/prefix/flex.py`)."""
    shared = config.optimizer.share_prefixes != "off"
    return 4.0 * config.micro_tokens**2 if shared else 0.0


def _activations(config: Config, shape: Shape, wide: int) -> float:
    """Of one micro-batch, in the larger of the forms that it may have."""
    rollout, optimizer = config.rollout, config.optimizer
    padded = optimizer.micro_batch * rollout.window, optimizer.micro_batch * rollout.reply_tokens
    rows = max(
        -(-optimizer.batch_rows // config.placement.ranks),
        rollout.group_size * config.context().max_turns,
    )
    shared = config.micro_tokens, min(config.micro_tokens, rows * rollout.reply_tokens)
    if optimizer.micro_tokens:
        padded = shared
    # Of a logit: itself; fp32 and its gradient, or of a tree the gradients of its two uses.
    forms = {False: (*padded, wide + 8), True: (*shared, 3 * wide)}
    trees = {"off": [False], "on": [True], "auto": [False, True]}[optimizer.share_prefixes]
    return max(_of_pass(config, shape, wide, *forms[tree]) for tree in trees)


def _of_pass(
    config: Config, shape: Shape, wide: int, tokens: int, replies: int, logit: int
) -> float:
    """What stays for the backward pass, one layer's inside, and the logits, bytes.

    Logits are those of `replies`, the only tokens whose they are computed of
    (`rl/adapter/update/actor.py`), `logit` bytes each, for rows packed by flash-attn or a tree
    (`rl/prefix/logprobs.py`); an entropy bonus has a gradient of its own.
    Without checkpointing each layer keeps about 34 bytes a token and unit of width (arXiv
    2205.05198, eq. 2, without the attention matrix, which no kernel of ours keeps).
    """
    inside = tokens * wide * (10 * shape.hidden + 4 * shape.feed_forward)
    kept = tokens * wide * shape.hidden if config.model.gradient_checkpointing else inside
    logits = replies * shape.vocabulary * (logit + 4 * bool(config.algorithm.entropy))
    return float(shape.layers * kept + inside + logits)


def memory(config: Config, shape: Shape, device: float, host: float) -> Iterator[Finding]:
    """Findings from the budget.

    Args:
        config: the run.
        shape: of the planner.
        device: bytes of one GPU; on CPU unused.
        host: bytes of the machine's memory that are free.
    """
    parts = budget(config, shape)
    if config.engine.device == "cpu":
        yield _on_cpu(config, parts, host)
        return
    yield _training(config, parts, device)
    yield _serving(config, parts, device)
    if parts.host:
        yield _beside("host memory", gib(parts.host) + " offloaded or asleep", parts.host, host)


def _training(config: Config, parts: Budget, device: float) -> Finding:
    colocated = config.placement.colocate == "all" and not config.engine.sleep
    engine = device * config.engine.gpu_utilization if colocated else 0.0
    need = parts.resident + parts.activations + parts.others + engine
    text = f"update: {parts.describe()}" + (f" + engine {gib(engine)}" if engine else "")
    text += f" = {gib(need)} of {gib(device)}"
    if need > device:
        remedy = (
            "raise optimizer.zero_stage, set optimizer.offload, model.gradient_checkpointing, "
            "engine.sleep or, with stage 3, model.reference_offload, lower optimizer.micro_tokens "
            "(without shared prefixes optimizer.micro_batch) or rollout.window"
        )
        return failure("GPU memory", text, remedy)
    if need > 0.9 * device:
        return warning("GPU memory", text, "less than a tenth is left: lower rollout.window")
    return ok("GPU memory", text)


def _serving(config: Config, parts: Budget, device: float) -> Finding:
    """The engine's share must hold its weights and some caches; the policy's part never leaves."""
    share = device * config.engine.gpu_utilization
    beside = parts.resident + OTHERS if config.placement.colocate == "all" else 0.0
    room = share - parts.engine_weights
    sequences = room / (parts.cache_token * config.rollout.window)
    text = (
        f"rollout: engine {gib(share)}, of it weights {gib(parts.engine_weights)} and KV cache for "
        f"{max(sequences, 0):.1f} full windows of {config.rollout.window:,} tokens"
    )
    if share + beside > device:
        text += f"; with {gib(beside)} of the policy beside it, beyond {gib(device)}"
        return failure("GPU memory", text, "lower engine.gpu_utilization")
    if sequences < 1:
        remedy = "raise engine.gpu_utilization or engine.tensor_parallel, or lower rollout.window"
        return failure("GPU memory", text, remedy)
    return ok("GPU memory", text)


def _on_cpu(config: Config, parts: Budget, host: float) -> Finding:
    cache = config.engine.count * config.engine.cache_gib * GIB
    engines = config.engine.count * parts.engine_weights + cache
    # Four processes with torch, Ray or vLLM imported, 0.5 GiB each, and Ray's object store.
    processes = (3 + config.engine.count + config.rollout.workers) * GIB / 2
    need = parts.resident + parts.activations + engines + processes
    text = f"{parts.describe()} + engines {gib(engines)} + processes {gib(processes)}"
    return _beside("memory", text, need, host)


def _beside(part: str, text: str, need: float, host: float) -> Finding:
    text = f"{text} = {gib(need)} of {gib(host)} free"
    if need > host:
        return failure(part, text, "free memory, take a larger machine, or lower rollout.window")
    return ok(part, text)
