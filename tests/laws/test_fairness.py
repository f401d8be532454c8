"""Between two turns of one token every other token that waits has one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reglab.core.presets import build
from reglab.core.storage import Submission
from tests.harness.fuzz import inputs, tell

TOKENS = ["", "aaaa", "bbbb", "cccc"]
# A submission of so many runs by a token, or a run that is taken.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(TOKENS), st.integers(1, 3)),
        st.just(None),
        st.just(None),
    ),
    min_size=4,
    max_size=30,
)
SPECS = {
    count: build("l2", {"sweep": {"regularization.l2": [0.001 * k for k in range(count)]}})
    for count in (1, 2, 3)
}


def submit(storage, token, count):
    spec = SPECS[count]
    made, _ = storage.experiments.create(Submission.of(spec, token_id=token or None))
    return made


@inputs(25)
@given(steps=STEPS)
def test_turns_go_round(storage, steps):
    for item in storage.experiments.find(limit=500).items:
        storage.experiments.delete(item.id)
    owner: dict[str, str] = {}
    waiting = dict.fromkeys(TOKENS, 0)
    # For each token that waits, those who were served since it was served, or came.
    served_since: dict[str, list[str]] = {}
    for step in [*steps, *[None] * 100]:
        if step is not None:
            token, count = step
            owner[submit(storage, token, count)] = token
            if not waiting[token]:
                served_since[token] = []
            waiting[token] += count
            continue
        lease = storage.runs.lease_next("w")
        if lease is None:
            assert not any(waiting.values())
            continue
        token = owner[lease.run.experiment_id]
        waiting[token] -= 1
        for other, since in served_since.items():
            if other != token and waiting[other]:
                since.append(token)
                # Once for each that was there before, and nobody twice.
                assert len(since) == len(set(since)), (token, other, since)
        served_since[token] = []
        storage.runs.finish(lease, None, {}, {})
        tell("turns", f"{sum(count > 0 for count in waiting.values())} wait")


def test_many_experiments_of_one_make_no_other_wait(storage):
    for _ in range(30):
        submit(storage, "aaaa", 1)
    storage.runs.finish(storage.runs.lease_next("w"), None, {}, {})
    late = submit(storage, "bbbb", 1)
    assert storage.runs.lease_next("w").run.experiment_id == late
