"""Weight sync on CPU: a vLLM worker extension that takes weights as bytes.

vLLM's CPU kernels pre-pack weights and replace the originals by empty tensors, so `load_weights`
alone fails, and its own `reload_weights` leaves a tied LM head with its old packed copy, silently.
Bytes cross vLLM's process boundary; tensors do not.
"""

from __future__ import annotations

from typing import Any


class WeightSync:
    """Mixed into vLLM's worker, which is told of it by `worker_extension_cls`."""

    model_runner: Any

    def load_bytes(self, blob: bytes) -> int:
        """Load safetensors bytes into the served model; returns the number of tensors."""
        import safetensors.torch

        weights = safetensors.torch.load(bytes(blob))
        self.model_runner.reload_weights(weights_iterator=iter(weights.items()))
        model = self.model_runner.get_model()
        # Not asked of the configuration: vLLM says there that nothing is tied, where the file of a
        # tied planner has the output layer too. A trainer sends it only if it is another weight.
        if "lm_head.weight" not in weights:
            from vllm.model_executor.layers.utils import dispatch_cpu_unquantized_gemm

            model.lm_head.weight = model.model.embed_tokens.weight
            dispatch_cpu_unquantized_gemm(model.lm_head, remove_weight=False)
        return len(weights)
