//! What a block comes to, in 32 bytes: each result, then each change, in order of address, kind and slot.
use revm::DatabaseRef;
use revm::context::result::ExecutionResult;
use revm::database::{CacheDB, EmptyDB};
use revm::primitives::{Address, B256, U256, keccak256};
use revm::state::EvmState;

fn write_result(written: &mut Vec<u8>, result: &ExecutionResult) {
    let output = result.output().cloned().unwrap_or_default();
    written.push(u8::from(result.is_success()));
    written.extend(result.tx_gas_used().to_be_bytes());
    written.extend((output.len() as u64).to_be_bytes());
    written.extend(&output);
    let logs = if result.is_success() { result.logs() } else { &[] };
    written.extend((logs.len() as u64).to_be_bytes());
    for log in logs {
        written.extend(log.address);
        written.extend((log.data.topics().len() as u64).to_be_bytes());
        log.data.topics().iter().for_each(|topic| written.extend(topic));
        written.extend((log.data.data.len() as u64).to_be_bytes());
        written.extend(&log.data.data);
    }
}

type Change = (Address, u8, U256, U256);

fn changes_of(changes: &EvmState, state: &CacheDB<EmptyDB>) -> Vec<Change> {
    let mut found = Vec::new();
    for (address, account) in changes.iter().filter(|(_, account)| account.is_touched()) {
        let before = state.basic_ref(*address).expect("no database").unwrap_or_default();
        if account.info.balance != before.balance {
            found.push((*address, 0, U256::ZERO, account.info.balance));
        }
        if account.info.nonce != before.nonce {
            found.push((*address, 1, U256::ZERO, U256::from(account.info.nonce)));
        }
        for (slot, value) in &account.storage {
            if state.storage_ref(*address, *slot).expect("no database") != value.present_value() {
                found.push((*address, 2, *slot, value.present_value()));
            }
        }
    }
    found.sort_unstable();
    found
}

pub fn of(results: &[ExecutionResult], changes: &EvmState, state: &CacheDB<EmptyDB>) -> B256 {
    let mut written = Vec::new();
    results.iter().for_each(|result| write_result(&mut written, result));
    for (address, kind, slot, value) in changes_of(changes, state) {
        written.extend(address);
        written.push(kind);
        written.extend(slot.to_be_bytes::<32>());
        written.extend(value.to_be_bytes::<32>());
    }
    keccak256(written)
}
