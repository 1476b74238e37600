// SPDX-License-Identifier: Apache-2.0
//! Runs a runtime in an interpreter, for its metadata.
//!
//! The guest gets an allocator, an empty state, hash functions and a log that nobody reads. Whatever else it calls
//! stops it: making metadata needs nothing more. Fuel bounds its time, a limiter its memory.
//!
//! Runtimes evaluate constants while they make metadata, and some keep constants in the state; an empty state gives
//! their defaults. Only types and the extrinsic's form are taken from the metadata, and true constants such as the
//! version.

use codec::{Decode, Encode};
use sp_crypto_hashing::{blake2_128, blake2_256, twox_64, twox_128, twox_256};
use wasmi::{
    AsContextMut, Caller, Config, Engine, Error, ExternType, Func, Instance, Linker, Memory, Module, Store,
    StoreLimits, StoreLimitsBuilder, TypedFunc, Val,
};

/// The metadata of a runtime: version 15, or 14 from runtimes that know no other.
pub(super) fn metadata(wasm: &[u8]) -> Result<Vec<u8>, WasmError> {
    metadata_within(wasm, MAX_FUEL)
}

/// Like [`metadata`], with so much fuel for each version.
pub(super) fn metadata_within(wasm: &[u8], fuel: u64) -> Result<Vec<u8>, WasmError> {
    let mut guest = Guest::start(wasm, fuel)?;
    if guest.has("Metadata_metadata_at_version") {
        let answer = guest.call("Metadata_metadata_at_version", &15u32.encode())?;
        let mut input = &answer[..];
        match Option::<Vec<u8>>::decode(&mut input) {
            Ok(Some(metadata)) if input.is_empty() => return Ok(metadata),
            Ok(None) => {}
            _ => return Err(WasmError::Answer),
        }
        guest = Guest::start(wasm, fuel)?;
    }
    let answer = guest.call("Metadata_metadata", &[])?;
    let mut input = &answer[..];
    match Vec::<u8>::decode(&mut input) {
        Ok(metadata) if input.is_empty() => Ok(metadata),
        _ => Err(WasmError::Answer),
    }
}

struct Guest {
    store: Store<Host>,
    instance: Instance,
}

/// What belongs to one run.
struct Host {
    limits: StoreLimits,
    memory: Option<Memory>,
    /// Where the guest's own data ends and allocations start.
    heap: u32,
    /// Freed blocks by the power of two of their size. No more than there are blocks, however often the guest frees
    /// one.
    free: [Vec<u32>; SIZES],
    /// Blocks that the guest has.
    given: u32,
}

impl Guest {
    fn start(wasm: &[u8], fuel: u64) -> Result<Self, WasmError> {
        let mut config = Config::default();
        config.consume_fuel(true).ignore_custom_sections(true);
        let engine = Engine::new(&config);
        let module = Module::new(&engine, wasm).map_err(invalid)?;
        let limits =
            StoreLimitsBuilder::new().memory_size(MAX_MEMORY).instances(1).memories(2).tables(4).build();
        let host = Host { limits, memory: None, heap: 0, free: Default::default(), given: 0 };
        let mut store = Store::new(&engine, host);
        store.limiter(|host| &mut host.limits);
        store.set_fuel(fuel).map_err(invalid)?;
        let mut linker = Linker::new(&engine);
        for import in module.imports() {
            match import.ty() {
                ExternType::Func(_) => {
                    let function =
                        host_function(&mut store, &import).ok_or_else(|| invalid(import.name()))?;
                    linker.define(import.module(), import.name(), function)
                }
                ExternType::Memory(ty) => {
                    let memory = Memory::new(&mut store, *ty).map_err(|_| WasmError::Memory)?;
                    store.data_mut().memory = Some(memory);
                    linker.define(import.module(), import.name(), memory)
                }
                ExternType::Table(_) | ExternType::Global(_) => return Err(invalid(import.name())),
            }
            .map_err(invalid)?;
        }
        let instance = linker.instantiate_and_start(&mut store, &module).map_err(invalid)?;
        if let Some(memory) = instance.get_memory(&store, "memory") {
            store.data_mut().memory = Some(memory);
        }
        let heap = match instance.get_global(&store, "__heap_base").map(|global| global.get(&store)) {
            Some(Val::I32(base)) => base.cast_unsigned(),
            _ => return Err(invalid("it exports no __heap_base")),
        };
        store.data_mut().heap = heap.checked_next_multiple_of(8).ok_or(WasmError::Memory)?;
        Ok(Self { store, instance })
    }

    fn has(&self, export: &str) -> bool {
        self.instance.get_func(&self.store, export).is_some()
    }

    /// Runtime entry points take a pointer and a length and answer both in one number, the length in the upper half.
    fn call(&mut self, export: &str, input: &[u8]) -> Result<Vec<u8>, WasmError> {
        let entry: TypedFunc<(i32, i32), i64> =
            self.instance.get_typed_func(&self.store, export).map_err(|_| WasmError::NoEntry)?;
        let length = u32::try_from(input.len()).map_err(|_| WasmError::Memory)?;
        let pointer = allocate(&mut self.store, length).ok_or(WasmError::Memory)?;
        write(&mut self.store, pointer, input).ok_or(WasmError::Memory)?;
        let answer = entry
            .call(&mut self.store, (pointer.cast_signed(), length.cast_signed()))
            .map_err(|error| WasmError::Trap(shortened(error)))?;
        let (pointer, length) = unpack(answer);
        if length > MAX_ANSWER {
            return Err(WasmError::Answer);
        }
        read(&mut self.store, pointer, length).ok_or(WasmError::Answer)
    }
}

fn invalid(reason: impl ToString) -> WasmError {
    WasmError::Invalid(shortened(reason))
}

/// The code chose the text: a part is enough.
fn shortened(text: impl ToString) -> String {
    text.to_string().chars().take(200).collect()
}

/// What the guest gets for an import; everything unknown stops it when it is called.
fn host_function(store: &mut Store<Host>, import: &wasmi::ImportType<'_>) -> Option<Func> {
    let ExternType::Func(ty) = import.ty() else { return None };
    let name = import.name().to_owned();
    Some(match import.name() {
        "ext_allocator_malloc_version_1" => Func::wrap(store, |mut caller: Caller<'_, Host>, size: i32| {
            allocate(&mut caller, size.cast_unsigned())
                .map(u32::cast_signed)
                .ok_or_else(|| Error::new("out of memory"))
        }),
        "ext_allocator_free_version_1" => Func::wrap(store, |mut caller: Caller<'_, Host>, pointer: i32| {
            free(&mut caller, pointer.cast_unsigned())
                .ok_or_else(|| Error::new("freed what was not allocated"))
        }),
        "ext_logging_log_version_1" => Func::wrap(store, |_: i32, _: i64, _: i64| {}),
        // 0 is the filter "off".
        "ext_logging_max_level_version_1" => Func::wrap(store, || 0i32),
        "ext_storage_get_version_1" => {
            Func::wrap(store, |mut caller: Caller<'_, Host>, _: i64| give_packed(&mut caller, &[0]))
        }
        "ext_storage_read_version_1" => {
            Func::wrap(store, |mut caller: Caller<'_, Host>, _: i64, _: i64, _: i32| {
                give_packed(&mut caller, &[0])
            })
        }
        "ext_storage_exists_version_1" => Func::wrap(store, |_: i64| 0i32),
        "ext_hashing_twox_64_version_1" => hash_function(store, |data| twox_64(data).to_vec()),
        "ext_hashing_twox_128_version_1" => hash_function(store, |data| twox_128(data).to_vec()),
        "ext_hashing_twox_256_version_1" => hash_function(store, |data| twox_256(data).to_vec()),
        "ext_hashing_blake2_128_version_1" => hash_function(store, |data| blake2_128(data).to_vec()),
        "ext_hashing_blake2_256_version_1" => hash_function(store, |data| blake2_256(data).to_vec()),
        _ => Func::new(store, ty.clone(), move |_, _, _| Err(Error::new(format!("called {name}")))),
    })
}

fn hash_function(store: &mut Store<Host>, hash: fn(&[u8]) -> Vec<u8>) -> Func {
    Func::wrap(store, move |mut caller: Caller<'_, Host>, data: i64| {
        let (pointer, length) = unpack(data);
        // To hash a byte costs about as much as an instruction of the guest.
        spend(&mut caller, length)?;
        let data = read(&mut caller, pointer, length).ok_or_else(|| Error::new("hashed beyond memory"))?;
        give(&mut caller, &hash(&data)).map(u32::cast_signed).ok_or_else(|| Error::new("out of memory"))
    })
}

/// What the host does for the guest counts as if the guest did it.
fn spend(caller: &mut Caller<'_, Host>, amount: u32) -> Result<(), Error> {
    let left = caller.get_fuel()?.checked_sub(amount.into()).ok_or_else(|| Error::new("out of fuel"))?;
    caller.set_fuel(left)
}

/// Hands bytes to the guest; returns pointer and length in one.
fn give_packed(caller: &mut Caller<'_, Host>, bytes: &[u8]) -> Result<i64, Error> {
    let pointer = give(caller, bytes).ok_or_else(|| Error::new("out of memory"))?;
    let length = u64::try_from(bytes.len()).map_err(|_| Error::new("out of memory"))?;
    Ok(((length << 32) | u64::from(pointer)).cast_signed())
}

fn give(store: &mut impl AsContextMut<Data = Host>, bytes: &[u8]) -> Option<u32> {
    let pointer = allocate(store, u32::try_from(bytes.len()).ok()?)?;
    write(store, pointer, bytes)?;
    Some(pointer)
}

fn unpack(packed: i64) -> (u32, u32) {
    let [p0, p1, p2, p3, l0, l1, l2, l3] = packed.to_le_bytes();
    (u32::from_le_bytes([p0, p1, p2, p3]), u32::from_le_bytes([l0, l1, l2, l3]))
}

/// Blocks are powers of two with eight bytes before them that tell which.
fn allocate(store: &mut impl AsContextMut<Data = Host>, size: u32) -> Option<u32> {
    let block = size.max(8).checked_next_power_of_two()?;
    let order = block.trailing_zeros();
    let mut context = store.as_context_mut();
    let host = context.data_mut();
    host.given = host.given.checked_add(1)?;
    if let Some(pointer) = host.free.get_mut(usize::try_from(order).ok()?)?.pop() {
        return Some(pointer);
    }
    let header = host.heap;
    let pointer = header.checked_add(8)?;
    let end = pointer.checked_add(block)?;
    host.heap = end;
    let memory = host.memory?;
    let available = memory.size(&context).checked_mul(PAGE)?;
    let missing = u64::from(end).saturating_sub(available).div_ceil(PAGE);
    if missing > 0 {
        memory.grow(&mut context, missing).ok()?;
    }
    write(&mut context, header, &order.to_le_bytes())?;
    Some(pointer)
}

/// The guest may overwrite a block's header; then it harms nobody but itself.
fn free(store: &mut impl AsContextMut<Data = Host>, pointer: u32) -> Option<()> {
    let header = read(store, pointer.checked_sub(8)?, 4)?;
    let order = u32::from_le_bytes(header.try_into().ok()?);
    let mut context = store.as_context_mut();
    let host = context.data_mut();
    host.given = host.given.checked_sub(1)?;
    host.free.get_mut(usize::try_from(order).ok()?)?.push(pointer);
    Some(())
}

fn read(store: &mut impl AsContextMut<Data = Host>, pointer: u32, length: u32) -> Option<Vec<u8>> {
    let context = store.as_context_mut();
    let memory = context.data().memory?;
    let start = usize::try_from(pointer).ok()?;
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    memory.data(&context).get(start..end).map(<[u8]>::to_vec)
}

fn write(store: &mut impl AsContextMut<Data = Host>, pointer: u32, bytes: &[u8]) -> Option<()> {
    let mut context = store.as_context_mut();
    let memory = context.data().memory?;
    memory.write(&mut context, usize::try_from(pointer).ok()?, bytes).ok()
}

/// Why a runtime gives no metadata.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WasmError {
    /// Not a wasm module of a runtime.
    #[error("runtime code is not a wasm module that can be run: {0}")]
    Invalid(String),
    /// Neither of the metadata functions.
    #[error("runtime has no function that answers metadata")]
    NoEntry,
    /// It ran out of fuel or memory, or called what it may not.
    #[error("runtime stopped while it made metadata: {0}")]
    Trap(String),
    /// It needs more than 256 MiB.
    #[error("runtime needs more memory than it is allowed")]
    Memory,
    /// The answer is not metadata.
    #[error("runtime answered something else than metadata")]
    Answer,
}

/// Instructions, roughly. Metadata of a large runtime takes about a hundredth.
const MAX_FUEL: u64 = 20_000_000_000;

/// Bytes of guest memory.
const MAX_MEMORY: usize = 256 * 1024 * 1024;

/// Bytes of an answer.
const MAX_ANSWER: u32 = 16 * 1024 * 1024;

/// Bytes of a wasm page.
const PAGE: u64 = 65_536;

/// Powers of two of a 32-bit size.
const SIZES: usize = 32;
