"""Transactions, senders and receipts between their encodings and native memory."""
