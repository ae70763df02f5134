//! revm on one exported block, on one thread: how long it takes, and what it comes to.
//!
//! `revm-baseline BLOCK FORK SECONDS` runs the block again and again for about so long, in both ways that revm has of
//! keeping changes: in its journal until the block's end, or in the state after each transaction. It prints one
//! line of JSON: seconds of each iteration of either way, gas, and a digest of all results and changes, which must
//! be ours. The block is what `blockstm.bench.blocks.exported` writes; its page says what stands where. Its fork is
//! named as revm names it.
mod block;
mod digest;

use block::Block;
use revm::context::result::ExecutionResult;
use revm::database::{CacheDB, EmptyDB, WrapDatabaseRef};
use revm::primitives::hardfork::SpecId;
use revm::state::EvmState;
use revm::{Context, ExecuteCommitEvm, ExecuteEvm, MainBuilder, MainContext};
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

type State = CacheDB<EmptyDB>;

/// What an iteration took, and what it came to.
type Ran<Changes> = (Duration, Vec<ExecutionResult>, Changes);

/// All transactions, one after another; changes stay in the journal until the end.
fn run_on_journal(block: &Block, fork: SpecId, state: &State) -> Ran<EvmState> {
    let mut evm = context(block, fork).with_db(WrapDatabaseRef(state)).build_mainnet();
    let transactions = block.transactions.clone();
    let begin = Instant::now();
    let mut results = Vec::with_capacity(transactions.len());
    for transaction in transactions {
        results.push(evm.transact_one(transaction).expect("a valid transaction"));
    }
    let changes = evm.finalize();
    (begin.elapsed(), results, changes)
}

/// All transactions, one after another; each one's changes are committed to the state, which is ready in memory.
fn run_with_commits(block: &Block, fork: SpecId, state: &State) -> Ran<State> {
    let mut evm = context(block, fork).with_db(state.clone()).build_mainnet();
    let transactions = block.transactions.clone();
    let begin = Instant::now();
    let mut results = Vec::with_capacity(transactions.len());
    for transaction in transactions {
        results.push(evm.transact_commit(transaction).expect("a valid transaction"));
    }
    let taken = begin.elapsed();
    (taken, results, evm.ctx.journaled_state.database)
}

/// The seconds of some iterations, as a list in JSON.
fn seconds_of(mut iteration: impl FnMut() -> Duration, limit: Duration) -> String {
    let mut seconds = Vec::new();
    let begin = Instant::now();
    while seconds.len() < 5 || begin.elapsed() < limit {
        seconds.push(format!("{:.9}", iteration().as_secs_f64()));
    }
    seconds.join(", ")
}

fn context(block: &Block, fork: SpecId) -> Context {
    Context::mainnet()
        .modify_cfg_chained(|cfg| cfg.set_spec_and_mainnet_gas_params(fork))
        .with_block(block.environment.clone())
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, path, fork, seconds] = arguments.as_slice() else {
        eprintln!("usage: revm-baseline BLOCK FORK SECONDS");
        std::process::exit(2);
    };
    let fork: SpecId = fork.parse().expect("FORK is one of revm's");
    let limit = Duration::from_secs_f64(seconds.parse().expect("SECONDS is a number"));
    let block = Block::read(&std::fs::read(path).expect("the block can be read"));
    let state = block.state();
    let (_, results, changes) = run_on_journal(&block, fork, &state); // warms up, too
    let gas: u64 = results.iter().map(ExecutionResult::tx_gas_used).sum();
    let digest = digest::of(&results, digest::changes_of_journal(&changes, &state));
    let (_, committed, after) = run_with_commits(&block, fork, &state);
    assert_eq!(digest, digest::of(&committed, digest::changes_of_state(&after, &state)), "both come to the same");
    drop((results, changes, committed, after));
    let journal = seconds_of(|| run_on_journal(&block, fork, &state).0, limit / 2);
    let commits = seconds_of(|| run_with_commits(&block, fork, &state).0, limit / 2);
    println!(r#"{{"gas": {gas}, "digest": "{digest:x}", "journal": [{journal}], "commits": [{commits}]}}"#);
}
