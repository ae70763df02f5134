//! What a block comes to, in 32 bytes: each result, then each change, in order of address, kind and slot.
use revm::DatabaseRef;
use revm::context::result::ExecutionResult;
use revm::database::{CacheDB, EmptyDB};
use revm::primitives::{Address, B256, U256, keccak256};
use revm::state::{AccountInfo, EvmState};

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

pub type Change = (Address, u8, U256, U256);

/// What an account has now and had not before.
fn changes_of_account<'a>(
    address: Address,
    info: &AccountInfo,
    slots: impl Iterator<Item = (&'a U256, U256)>,
    before: &CacheDB<EmptyDB>,
) -> Vec<Change> {
    let mut found = Vec::new();
    let old = before.basic_ref(address).expect("no database").unwrap_or_default();
    if info.balance != old.balance {
        found.push((address, 0, U256::ZERO, info.balance));
    }
    if info.nonce != old.nonce {
        found.push((address, 1, U256::ZERO, U256::from(info.nonce)));
    }
    for (slot, value) in slots {
        if before.storage_ref(address, *slot).expect("no database") != value {
            found.push((address, 2, *slot, value));
        }
    }
    found
}

/// What a journal that was kept until the block's end has changed.
pub fn changes_of_journal(changes: &EvmState, before: &CacheDB<EmptyDB>) -> Vec<Change> {
    let touched = changes.iter().filter(|(_, account)| account.is_touched());
    touched
        .flat_map(|(address, account)| {
            let slots = account.storage.iter().map(|(slot, value)| (slot, value.present_value()));
            changes_of_account(*address, &account.info, slots, before)
        })
        .collect()
}

/// How a state that each transaction was committed to differs from the one before.
pub fn changes_of_state(after: &CacheDB<EmptyDB>, before: &CacheDB<EmptyDB>) -> Vec<Change> {
    let accounts = after.cache.accounts.iter();
    accounts
        .flat_map(|(address, account)| {
            let slots = account.storage.iter().map(|(slot, value)| (slot, *value));
            changes_of_account(*address, &account.info, slots, before)
        })
        .collect()
}

pub fn of(results: &[ExecutionResult], mut changes: Vec<Change>) -> B256 {
    let mut written = Vec::new();
    results.iter().for_each(|result| write_result(&mut written, result));
    changes.sort_unstable();
    for (address, kind, slot, value) in changes {
        written.extend(address);
        written.push(kind);
        written.extend(slot.to_be_bytes::<32>());
        written.extend(value.to_be_bytes::<32>());
    }
    keccak256(written)
}
