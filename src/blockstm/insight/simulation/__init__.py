"""A block on more cores than there are: the engine's scheduling as a discrete simulation.

Imports point down::

    plots      simulated speed-ups as a picture
    estimates  a block under each policy on each number of cores, beside what was measured
    measured   the costs of a block's steps on this machine, and its real times
    simulator  workers, frontier, speculation: what happens when, in simulated time
    throttle   how far ahead speculation runs, and when it backs off
    model      costs, transactions, workers, and what comes of them
    policies   what decides the order of the runs, and what counts as a conflict
"""
