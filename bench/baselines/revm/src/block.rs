//! The exported block: its environment, the accounts it begins with, its transactions.
use revm::bytecode::Bytecode;
use revm::context::{BlockEnv, TxEnv};
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::database::{CacheDB, EmptyDB};
use revm::primitives::{Address, B256, Bytes, TxKind, U256};
use revm::state::AccountInfo;

pub struct Block {
    pub environment: BlockEnv,
    pub transactions: Vec<TxEnv>,
    accounts: Vec<(Address, AccountInfo, Vec<(U256, U256)>)>,
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, size: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(size);
        self.0 = rest;
        taken
    }

    fn number(&mut self) -> u64 {
        u64::from_be_bytes(self.take(8).try_into().expect("8 bytes"))
    }

    fn word(&mut self) -> U256 {
        U256::from_be_slice(self.take(32))
    }

    fn address(&mut self) -> Address {
        Address::from_slice(self.take(20))
    }

    fn bytes(&mut self) -> Bytes {
        let size = self.number() as usize;
        Bytes::copy_from_slice(self.take(size))
    }

    fn list<Item>(&mut self, mut read: impl FnMut(&mut Self) -> Item) -> Vec<Item> {
        (0..self.number()).map(|_| read(self)).collect()
    }

    fn environment(&mut self) -> BlockEnv {
        BlockEnv {
            number: U256::from(self.number()),
            timestamp: U256::from(self.number()),
            gas_limit: self.number(),
            basefee: self.number(),
            beneficiary: self.address(),
            prevrandao: Some(B256::ZERO),
            blob_excess_gas_and_price: Some(BlobExcessGasAndPrice { excess_blob_gas: 0, blob_gasprice: 1 }),
            ..Default::default()
        }
    }

    fn account(&mut self) -> (Address, AccountInfo, Vec<(U256, U256)>) {
        let address = self.address();
        let info = AccountInfo { balance: self.word(), nonce: self.number(), ..Default::default() };
        let code = Bytecode::new_raw(self.bytes());
        let info = AccountInfo { code_hash: code.hash_slow(), code: Some(code), ..info };
        (address, info, self.list(|reader| (reader.word(), reader.word())))
    }

    fn transaction(&mut self) -> TxEnv {
        TxEnv {
            tx_type: 2,
            chain_id: Some(1),
            caller: self.address(),
            kind: TxKind::Call(self.address()),
            nonce: self.number(),
            gas_limit: self.number(),
            gas_price: self.word().to(),
            gas_priority_fee: Some(self.word().to()),
            value: self.word(),
            data: self.bytes(),
            ..Default::default()
        }
    }
}

impl Block {
    pub fn read(exported: &[u8]) -> Self {
        let mut reader = Reader(exported);
        let environment = reader.environment();
        let accounts = reader.list(Reader::account);
        let transactions = reader.list(Reader::transaction);
        assert!(reader.0.is_empty(), "the block ends where its file does");
        Block { environment, transactions, accounts }
    }

    /// The state that the block begins with.
    pub fn state(&self) -> CacheDB<EmptyDB> {
        let mut state = CacheDB::new(EmptyDB::default());
        for (address, info, slots) in &self.accounts {
            state.insert_account_info(*address, info.clone());
            for (slot, value) in slots {
                state.insert_account_storage(*address, *slot, *value).expect("there is no database to fail");
            }
        }
        state
    }
}
