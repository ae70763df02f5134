"""What happened in a block: its timeline, the dependencies in it, its critical path.

Imports point down::

    simulation     a block on more cores than there are
    parquet        the numbers of blocks as a file
    trend_plots    how they go, as a picture
    anomalies      what is out of the ordinary against the blocks before, where numbers tend to
    signals        what blocks did, as numbers and arrays
    graph          a block's conflicts as a picture
    groups         transactions that write a location in common
    critical_path  how much of a block could run at once
    dependencies   which earlier transactions each transaction needs
    recording      what the transactions took and touched, in order on one worker
    timeline       what the workers did and when
    locations      locations of accounts, as people and programs name them
"""
