"""What an Ethereum block means: forks, transactions, receipts, system calls, header checks."""
