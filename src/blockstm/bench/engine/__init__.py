"""The engine against a plain sequential loop, on small transactions of known results.

Imports point down::

    measurement  one row of the benchmark
    candidates   the engine, and a plain sequential loop
    programs     what the transactions do, in Python
    kernels      the same, compiled by Numba
    workloads    blocks by name, and what each of them must come to
"""
