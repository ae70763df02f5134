//! revm on one exported block, on one thread: how long it takes, and what it comes to.
//!
//! `revm-baseline BLOCK SECONDS` runs the block again and again for about so long and prints one line of
//! JSON: seconds of each iteration, gas, and a digest of all results and changes, which must be ours.
//! The block is what `blockstm.bench.blocks.exported` writes; its page says what stands where.
mod block;
mod digest;

use block::Block;
use revm::context::result::ExecutionResult;
use revm::database::{CacheDB, EmptyDB, WrapDatabaseRef};
use revm::primitives::hardfork::SpecId;
use revm::state::EvmState;
use revm::{Context, ExecuteEvm, MainBuilder, MainContext};
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// All transactions, one after another; changes stay in the journal until the end.
fn run(block: &Block, state: &CacheDB<EmptyDB>) -> (Duration, Vec<ExecutionResult>, EvmState) {
    let mut evm = Context::mainnet()
        .with_db(WrapDatabaseRef(state))
        .modify_cfg_chained(|cfg| cfg.set_spec_and_mainnet_gas_params(SpecId::OSAKA))
        .with_block(block.environment.clone())
        .build_mainnet();
    let transactions = block.transactions.clone();
    let begin = Instant::now();
    let mut results = Vec::with_capacity(transactions.len());
    for transaction in transactions {
        results.push(evm.transact_one(transaction).expect("a valid transaction"));
    }
    let changes = evm.finalize();
    (begin.elapsed(), results, changes)
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, path, seconds] = arguments.as_slice() else {
        eprintln!("usage: revm-baseline BLOCK SECONDS");
        std::process::exit(2);
    };
    let limit = Duration::from_secs_f64(seconds.parse().expect("SECONDS is a number"));
    let block = Block::read(&std::fs::read(path).expect("the block can be read"));
    let state = block.state();
    let (_, results, changes) = run(&block, &state); // warms up, too
    let gas: u64 = results.iter().map(ExecutionResult::tx_gas_used).sum();
    let digest = digest::of(&results, &changes, &state);
    drop((results, changes));
    let mut laps = Vec::new();
    let begin = Instant::now();
    while laps.len() < 5 || begin.elapsed() < limit {
        laps.push(format!("{:.9}", run(&block, &state).0.as_secs_f64()));
    }
    println!(r#"{{"gas": {gas}, "digest": "{digest:x}", "seconds": [{}]}}"#, laps.join(", "));
}
