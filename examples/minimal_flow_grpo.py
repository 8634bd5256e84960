"""Flow-GRPO in one process, to be read: the agent's own graph, the paper's objective, AdamW.

    python examples/minimal_flow_grpo.py [--steps 30] [--planner DIR]     # six minutes

Makes a small planner by supervised steps, or takes the one in DIR. Then repeats: run the graph G
times on each question, reward a run by its answer alone, take a few gradient steps. Prints the
success on held-out questions before and after, and that of each step. The trainer in `rl/` has the
same gradient (a test holds them together) and adds OpenRLHF, Ray, vLLM, resuming, faults and GPUs.

Equations are those of arXiv 2510.05592. A tensor's name ends in its shape: N trajectories, M turns
of all of them (a row each), L tokens of the longest row, Q questions. `rewards_N` is (N,),
`logprobs_ML` is (M, L); position l of a row is about its token l + 1.
"""

import argparse
import asyncio
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModelForCausalLM

from agentflow_graph import Context, build_graph
from agentflow_graph.graph import Agent
from agentflow_graph.models.policy import Completion, PolicyModel, PolicyTokenizer, Sampling
from agentflow_graph.models.tokens.weights import trained_under
from agentflow_graph.record import RunRecord, record_as
from benchmarks.almanac import Question, World, questions
from benchmarks.scoring.scorers import exact
from rl.planners.warmstart import WarmStart, warm_start

QUESTIONS, G, GROUPS_AN_UPDATE = 16, 8, 4
LOW, HIGH, BETA, LEARNING_RATE = 0.2, 0.3, 0.001, 1e-3


class BatchedPolicy:
    """The planner's weights in this process; replies asked for together are sampled together."""

    def __init__(self, model: Any, eos_id: int) -> None:
        self._model, self._eos = model, eos_id
        self._waiting: list[tuple[Tensor, asyncio.Future[Completion]]] = []

    async def generate(self, prompt_ids: list[int], sampling: Sampling) -> Completion:
        """One reply; see `agentflow_graph.models.policy.PolicyClient`."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_later(0.02, self._sample, sampling)
        self._waiting.append((torch.tensor(prompt_ids), loop.create_future()))
        return await self._waiting[-1][1]

    def _sample(self, sampling: Sampling) -> None:
        prompts, replies = [list(column) for column in zip(*self._waiting, strict=True)]
        self._waiting, size = [], sampling.max_tokens
        tokens = pad_sequence(prompts, batch_first=True, padding_value=-1, padding_side="left")
        how = {"do_sample": True, "top_k": 0, "temperature": sampling.temperature}
        how |= {"max_new_tokens": size, "eos_token_id": self._eos, "pad_token_id": self._eos}
        how |= {"output_scores": True, "return_dict_in_generate": True}
        out = self._model.generate(tokens.clamp(0), attention_mask=(tokens >= 0).long(), **how)
        scores = self._model.compute_transition_scores(out.sequences, out.scores, None, True)
        sampled = out.sequences[:, tokens.shape[1] :].tolist()
        for reply, ids, logprobs in zip(replies, sampled, scores.tolist(), strict=True):
            end = ids.index(self._eos) + 1 if self._eos in ids else size
            reason = "stop" if self._eos in ids else "length"
            reply.set_result(Completion(ids[:end], logprobs[:end], reason))


class Trajectory(NamedTuple):
    """One run of the graph: its outcome reward, and what its planner read and sampled."""

    reward: float
    calls: list[dict[str, Any]]


def agent(folder: Path, model: Any, temperature: float) -> Agent:
    """The graph that Studio and the benchmarks run, with `model` as its planner."""
    tokenizer, trained = PolicyTokenizer.load(folder), trained_under(folder)
    client, sampling = BatchedPolicy(model, tokenizer.eos_id), Sampling(temperature, max_tokens=32)
    planner = PolicyModel(client=client, tokenizer=tokenizer, sampling=sampling, trained=trained)
    return build_graph({"planner": planner})


async def play(graph: Agent, asked: list[Question], runs: int) -> list[list[Trajectory]]:
    """The group of each question: that many runs of the graph, all at once."""
    made = await asyncio.gather(*(rollout(graph, q) for q in asked for _ in range(runs)))
    return [made[start : start + runs] for start in range(0, len(made), runs)]


async def rollout(graph: Agent, question: Question) -> Trajectory:
    """One run, and its reward: 1 if the rule finds the answer right, else 0."""
    run, context = RunRecord(question.id), Context(max_turns=3)
    with record_as(run):
        state = await graph.ainvoke({"question": question.text}, context=context)
    return Trajectory(exact([question.answer], state["answer"]).value, planner_calls(run))


def planner_calls(run: RunRecord) -> list[dict[str, Any]]:
    """The planner's calls, in order, each with `prompt_ids`, `token_ids` and `logprobs`."""
    return [answer for key, answer in run.calls if key.node == "planner"]


class Batch(NamedTuple):
    """Groups of trajectories, one row a turn: prompt and reply."""

    tokens_ML: Tensor
    mask_ML: Tensor  # 1 where the next token is the policy's own
    old_ML: Tensor  # log-probabilities under the policy that sampled
    reference_ML: Tensor  # ... and under the one that training started from
    owner_M: Tensor  # the trajectory of each row
    rewards_N: Tensor
    groups_N: Tensor  # the question of each trajectory, 0 to Q - 1


def collate(groups: list[list[Trajectory]], reference: Any) -> Batch:
    """The rows of some groups."""
    runs = [(group, run) for group, members in enumerate(groups) for run in members]
    rows = [(owner, call) for owner, (_, run) in enumerate(runs) for call in run.calls]
    ids = [torch.tensor(call["prompt_ids"] + call["token_ids"]) for _, call in rows]
    tokens_ML = pad_sequence(ids, batch_first=True)
    mask_ML, old_ML = torch.zeros(2, *tokens_ML.shape)
    for row, (_, call) in enumerate(rows):
        first, last = len(call["prompt_ids"]) - 1, len(ids[row]) - 1
        mask_ML[row, first:last] = 1
        old_ML[row, first:last] = torch.tensor(call["logprobs"])
    reference_ML = next_token_logprobs(reference, tokens_ML).detach()
    owner_M = torch.tensor([owner for owner, _ in rows])
    rewards_N = torch.tensor([run.reward for _, run in runs])
    groups_N = torch.tensor([group for group, _ in runs])
    return Batch(tokens_ML, mask_ML, old_ML, reference_ML, owner_M, rewards_N, groups_N)


def next_token_logprobs(model: Any, tokens_ML: Tensor) -> Tensor:
    """(M, L) at temperature 1, that of the rollouts; the last column, without next token, is 0."""
    logprobs = model(input_ids=tokens_ML).logits[:, :-1].log_softmax(-1)
    return torch.nn.functional.pad(logprobs.gather(-1, tokens_ML[:, 1:, None])[..., 0], (0, 1))


def advantages(rewards_N: Tensor, groups_N: Tensor) -> Tensor:
    """(N,) how much better a run did than the runs of its question (eq. 7)."""
    advantages_N = torch.zeros_like(rewards_N)
    for group in groups_N.unique():
        own = rewards_N[groups_N == group]
        advantages_N[groups_N == group] = (own - own.mean()) / (own.std(correction=0) + 1e-6)
    return advantages_N


def objective(logprobs_ML: Tensor, batch: Batch, beta: float = BETA) -> Tensor:
    """What training maximises (eq. 6)."""
    # There is one reward, at the end of a run, and each of its turns is given it (eq. 5).
    advantage_M1 = advantages(batch.rewards_N, batch.groups_N)[batch.owner_M, None]
    ratio_ML = (logprobs_ML - batch.old_ML).exp()
    gain_ML = torch.min(ratio_ML * advantage_M1, ratio_ML.clamp(1 - LOW, 1 + HIGH) * advantage_M1)
    gain_M = (gain_ML * batch.mask_ML).sum(-1) / batch.mask_ML.sum(-1)  # 1/|a| over a turn's tokens
    turns_N, runs_Q = batch.owner_M.bincount(), batch.groups_N.bincount()
    weight_N = 1 / (len(runs_Q) * runs_Q[batch.groups_N] * turns_N)  # 1/Q 1/G 1/T
    gap_ML = (batch.reference_ML - logprobs_ML).clamp(max=10)
    k3_ML = (gap_ML.exp() - 1 - gap_ML).clamp(max=10)
    kl = (k3_ML * batch.mask_ML).sum() / batch.mask_ML.sum()
    return (weight_N[batch.owner_M] * gain_M).sum() - beta * kl


def train(folder: Path, steps: int, seed: int) -> None:
    """Train the planner in `folder`, and say what it learns."""
    torch.manual_seed(seed)
    model, reference = (AutoModelForCausalLM.from_pretrained(folder).eval() for _ in range(2))
    optimizer = torch.optim.AdamW(model.parameters(), LEARNING_RATE)
    graph, exam = agent(folder, model, temperature=1.0), agent(folder, model, temperature=0.7)
    asked = questions(World(), "train", steps * QUESTIONS, seed)
    heldout = questions(World(), "heldout", 300, seed)
    print(f"held-out success before: {success(asyncio.run(play(exam, heldout, 1))):.3f}")
    for step in range(steps):
        groups = asyncio.run(play(graph, asked[step * QUESTIONS :][:QUESTIONS], G))
        # Where all runs of a question earned the same, every advantage is 0: nothing to learn.
        useful = [group for group in groups if len({run.reward for run in group}) > 1]
        for start in range(0, len(useful), GROUPS_AN_UPDATE):
            batch = collate(useful[start : start + GROUPS_AN_UPDATE], reference)
            optimizer.zero_grad()
            (-objective(next_token_logprobs(model, batch.tokens_ML), batch)).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        print(f"step {step + 1:2}  reward {success(groups):.3f}  groups of use {len(useful)}")
    print(f"held-out success after: {success(asyncio.run(play(exam, heldout, 1))):.3f}")


def success(groups: list[list[Trajectory]]) -> float:
    """The share of runs that were answered right."""
    return fmean(run.reward for group in groups for run in group)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Flow-GRPO in one process.")
    parser.add_argument("--planner", type=Path, default="runs/warmstart", help="made if not there")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    if not args.planner.exists():
        warm_start(WarmStart(seed=args.seed), args.planner)
    train(args.planner, args.steps, args.seed)
