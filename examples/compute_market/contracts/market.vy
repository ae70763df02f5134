# pragma version ~=0.4.3
"""
@title A market of compute: money and stakes, consensus and emission, jobs and slashing
"""

import ledger
import consensus
import job_market

initializes: ledger
initializes: consensus[ledger := ledger]
initializes: job_market[ledger := ledger]

exports: ledger.__interface__
exports: consensus.__interface__
exports: job_market.__interface__
