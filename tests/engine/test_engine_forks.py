"""Forks at any time, threads that cannot be started, thousands of signals, the process's end."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from test_engine_lifecycle import script
from tests.patience import PATIENCE

workers = pytest.mark.parametrize("workers", [1, 2])

WAIT = """
    import os, signal, threading, time

    def wait(child):
        until = time.monotonic() + 120
        while time.monotonic() < until:
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.001)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return "hangs"
"""


def program(text: str) -> str:
    return script(textwrap.dedent(WAIT) + textwrap.dedent(text))


FORK_WHILE_RUNNING = """
    wanted = run()
    def go_on():
        while True:
            run()
    for _ in range(2):
        threading.Thread(target=go_on, daemon=True).start()
    codes = set()
    for _ in range({forks}):
        time.sleep({pause_s})
        child = os.fork()
        if child == 0:
            os._exit(0 if run() == wanted else 1)
        codes.add(wait(child))
    print(codes, flush=True)
    os._exit(0)
"""


def assert_children_run(text: str, *, forks: int, pause_s: float) -> None:
    """Two threads call the program's ``run`` all the time: each child can call it, too."""
    end = textwrap.dedent(FORK_WHILE_RUNNING.format(forks=forks, pause_s=pause_s))
    assert program(textwrap.dedent(text) + end) == "{0}\n"


def test_a_fork_while_another_thread_changes_a_state_leaves_both_whole() -> None:
    output = program("""
        from blockstm.state.memory import MemoryState
        state = MemoryState({n: n for n in range(50_000)})
        more = {n: n + 1 for n in range(50_000)}
        def change():
            while True:
                state.apply(more)
        threading.Thread(target=change, daemon=True).start()
        codes = set()
        for _ in range(25):
            child = os.fork()
            if child == 0:
                state.apply({5: state[5] + 1})
                os._exit(0 if len(dict(state)) == 50_000 else 1)
            codes.add(wait(child))
        print(codes, flush=True)
        os._exit(0)
    """)
    assert output == "{0}\n"


def test_a_fork_while_another_thread_hashes_a_trie_leaves_both_whole() -> None:
    output = program("""
        from blockstm._native.trie.tries import Trie
        keys = [n.to_bytes(32, "big") for n in range(20_000)]
        trie = Trie()
        def change():
            for round in range(1_000_000):
                for key in keys[::10]:
                    trie.set(key, b"%d" % round)
                trie.root()
        for key in keys:
            trie.set(key, b"x" * 40)
        threading.Thread(target=change, daemon=True).start()
        codes = set()
        for _ in range(25):
            time.sleep(0.003)
            child = os.fork()
            if child == 0:
                trie.set(keys[5], b"child")
                os._exit(0 if trie.root() and trie.get(keys[5]) == b"child" else 1)
            codes.add(wait(child))
        print(codes, flush=True)
        os._exit(0)
    """)
    assert output == "{0}\n"


@pytest.mark.parametrize("seconds", [0, 0.05, 0.2, 0.5])
def test_a_fork_while_a_kernel_is_compiled_waits_and_the_child_compiles_another(
    seconds: float,
) -> None:
    """The compiler is imported, and its libraries hook into forks, while the fork is under way."""
    pytest.importorskip("numba")
    output = program(
        f"SECONDS = {seconds}\n"
        + textwrap.dedent("""
        import blockstm, numpy
        def first(view, tx):
            view.put(1, tx.a)
        def second(view, tx):
            view.put(2, tx.a)
        kernels = [blockstm.kernel(function) for function in (first, second)]
        block = numpy.ones(1, dtype=[("a", "i8")])
        compiling = threading.Thread(target=kernels[0].compile, args=(block.dtype,))
        compiling.start()
        time.sleep(SECONDS)
        child = os.fork()
        if child == 0:
            signal.alarm(120)
            writes = [dict(blockstm.execute_block(block, {}, each).writes) for each in kernels]
            os._exit(0 if writes == [{1: 1}, {2: 1}] else 1)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        compiling.join()
    """)
    )
    assert output == "0\n"


def test_a_fork_while_a_library_of_the_evm_is_loaded_lets_the_child_load_them() -> None:
    output = program("""
        from blockstm.vm.evm import libraries
        begun = threading.Event()
        def load():
            begun.set()
            libraries.load_libraries()
        loading = threading.Thread(target=load)
        loading.start()
        assert begun.wait(60)
        child = os.fork()
        if child == 0:
            libraries.load_libraries()
            os._exit(0)
        print(wait(child))
        loading.join()
    """)
    assert output == "0\n"


def test_a_fork_while_the_evm_looks_for_codes_leaves_the_cache_of_codes_whole() -> None:
    assert_children_run(
        """
        from tests.evm.world_blocks import context, contract, transaction, world
        from blockstm.state.accounts import AccountState
        from blockstm.vm.evm import Evm
        import blockstm
        places = [bytes([9, *n.to_bytes(2, "big")]) + bytes(17) for n in range(400)]
        codes = {place: contract("PUSH2 0x%04x PUSH1 1 SSTORE STOP" % n)
                 for n, place in enumerate(places, 1)}
        state, vm = AccountState(world(codes)), Evm("prague", context("prague"))
        steps = [transaction(n % 8, place, nonce=n // 8) for n, place in enumerate(places)]
        config = blockstm.Config(workers=2, gate=False)
        def run():
            return dict(blockstm.execute_block(steps, state, vm, config=config).writes)
    """,
        forks=15,
        pause_s=0.002,
    )


def test_a_fork_while_a_bound_block_remembers_results_lets_the_child_run_it() -> None:
    assert_children_run(
        """
        from tests.evm.world_blocks import context, contract, transaction, world
        from blockstm.state.accounts import AccountState
        from blockstm.vm.evm import Evm
        import blockstm
        place = bytes(19) + b"\\xcc"
        recover = "0 0 0 0 1 GAS STATICCALL POP " * 110  # each the same, without a signature
        state = AccountState(world({place: contract(recover)}))
        vm = Evm("prague", context("prague"))
        block = vm.bind([transaction(n % 8, place, nonce=n // 8) for n in range(64)])
        config = blockstm.Config(workers=2, gate=False)
        def run():
            return dict(blockstm.execute_block(block, state, vm, config=config).writes)
    """,
        forks=60,
        pause_s=0.001,
    )


@workers
def test_a_fork_while_blocks_and_streams_run_leaves_both_whole(workers: int) -> None:
    output = program(f"""
        import blockstm
        from blockstm.errors import ForkedError
        from blockstm.state.memory import MemoryState
        from blockstm.testing import NativeScripts, scripted_vm
        block = [[("bump", n % 7, 1)] for n in range(700)]
        writes = dict.fromkeys(range(7), 100)
        config = blockstm.Config(workers={workers}, gate=False)
        engine, state, vm = blockstm.Executor(config), MemoryState({{9: 9}}), NativeScripts()
        def run():
            while True:
                blockstm.execute_block(block, state, vm, config=config)
        threading.Thread(target=run, daemon=True).start()
        codes = set()
        for _ in range(20):
            stream = engine.stream(block, {{}}, scripted_vm)
            next(stream)
            child = os.fork()
            if child == 0:
                refused = 0
                for call in (lambda: next(stream),
                             lambda: engine.execute_block(block, {{}}, scripted_vm)):
                    try:
                        call()
                    except ForkedError:
                        refused += 1
                stream.close()
                engine.close()
                del stream, engine
                state.apply({{9: 10}})
                results = [blockstm.execute_block(block, state, each, config=config).writes
                           for each in (vm, scripted_vm)]
                os._exit(0 if refused == 2 and results == [writes] * 2 else 1)
            codes.add(wait(child))
            assert [outcome.index for outcome in stream] == list(range(1, 700))
        print(codes, flush=True)
        os._exit(0)
    """)
    assert output == "{0}\n"


POOL = """
    import multiprocessing
    import blockstm
    from blockstm.testing import scripted_vm

    def run(number):
        block = [[("add", "a", number)]] * 20
        return blockstm.execute_block(block, {}, scripted_vm, workers=2).writes["a"]

    if __name__ == "__main__":
        run(1)
        with multiprocessing.get_context("METHOD").Pool(2) as pool:
            print(pool.map(run, range(1, 5)))
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_of_multiprocessing_run_blocks(method: str, tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(POOL).replace("METHOD", method))
    assert quiet_output(str(path)) == "[20, 40, 60, 80]\n"


def quiet_output(*arguments: str) -> str:
    """What a Python process prints that ends well and says nothing else."""
    ran = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


@pytest.mark.parametrize("started", [0, 1, 2])
def test_where_no_thread_can_be_started_fewer_do_the_work(started: int) -> None:
    output = script(f"""
        import threading
        import blockstm
        from blockstm.testing import scripted_vm
        block = [[("bump", n % 7, 1)] for n in range(70)]
        real, count = threading.Thread.start, [0]
        def start(self):
            if self.name.startswith("blockstm"):
                count[0] += 1
                if count[0] > {started}:
                    raise RuntimeError("can't start new thread")
            real(self)
        threading.Thread.start = start
        engine = blockstm.Executor(blockstm.Config(workers=4, gate=False))
        stream = engine.stream(block, {{}}, scripted_vm)
        assert [outcome.index for outcome in stream] == list(range(70))
        results = [stream.result, engine.execute_block(block, {{}}, scripted_vm)]
        threading.Thread.start = real
        results.append(engine.execute_block(block, {{}}, scripted_vm))
        assert sum(each.name.startswith("blockstm-") for each in threading.enumerate()) >= 3
        print([result.writes == dict.fromkeys(range(7), 10) for result in results])
        engine.close()
    """)
    assert output == "[True, True, True]\n"


def test_a_process_that_may_have_no_threads_runs_blocks() -> None:
    output = program("""
        import resource
        import blockstm
        from blockstm.testing import scripted_vm
        child = os.fork()
        if child == 0:
            resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
            if os.getuid() == 0:
                os.setuid(65534)
            block = [[("bump", "a", 1)]] * 30
            result = blockstm.execute_block(block, {}, scripted_vm, workers=4)
            os._exit(0 if result.writes == {"a": 30} else 1)
        print(wait(child))
    """)
    assert output == "0\n"


@workers
@pytest.mark.parametrize("vm", ["scripted_vm", "NativeScripts()"])
def test_a_process_ends_quietly_with_an_open_stream(workers: int, vm: str) -> None:
    text = f"""
        import blockstm
        from blockstm.testing import NativeScripts, scripted_vm
        block = [[("bump", n % 50, 1)] for n in range(100_000)]
        stream = blockstm.Executor(workers={workers}).stream(block, {{}}, {vm})
        print(next(stream).index)
    """
    assert quiet_output("-c", textwrap.dedent(text)) == "0\n"


SIGNALS = """
    import random, signal, threading, time
    import blockstm
    from blockstm.testing import scripted_vm
    class Timeout(BaseException):
        pass
    def ring(number, frame):
        global armed
        if armed:
            armed = False
            raise Timeout
    signal.signal(signal.SIGALRM, ring)
    armed, hits = False, 0
    block, writes = [[("bump", n % 3, 1)] for n in range(6)], {0: 2, 1: 2, 2: 2}
    config = blockstm.Config(workers=WORKERS, gate=False)
    engine = blockstm.Executor(config)
    def act():
        CALL
    def probe():
        worked.append(engine.execute_block(block, {}, scripted_vm).writes)
        worked.append(blockstm.execute_block(block, {}, scripted_vm, config=config).writes)
    for _ in range(50):
        act()
    since = time.perf_counter()
    for _ in range(50):
        act()
    length = (time.perf_counter() - since) / 50
    until = time.monotonic() + 20
    while hits < 20 or hits < 200 and time.monotonic() < until:
        try:
            armed = True
            signal.setitimer(signal.ITIMER_REAL, max(1e-6, random.random() * length * 1.3))
            act()
            armed = False
        except Timeout:
            hits += 1
        armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        if hits % 20 == 1:
            worked = []
            thread = threading.Thread(target=probe, daemon=True)
            thread.start()
            thread.join(120)
            assert worked == [writes, writes], (hits, worked)
    print("hits")
"""

CALLS = {
    "executor": "assert engine.execute_block(block, {}, scripted_vm).writes == writes",
    "function": "blockstm.execute_block(block, {}, scripted_vm, config=config)",
    "stream": "assert len(list(engine.stream(block, {}, scripted_vm))) == 6",
    "with": "with engine.stream(block, {}, scripted_vm) as stream: next(stream)",
}


@workers
@pytest.mark.parametrize("call", CALLS)
def test_signals_at_any_moment_leave_executors_usable(call: str, workers: int) -> None:
    text = SIGNALS.replace("WORKERS", str(workers)).replace("CALL", CALLS[call])
    assert script(text) == "hits\n"
