/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts cycles while Unicorn executes: one call per basic block and, with the memory model, one per read
 * of flash data. Built for the host once; the layout of `counter` is mirrored in native.py.
 *
 * All tables have one entry per halfword of code, in flash or RAM, index = (address - code_base) / 2.
 */
#include <stdint.h>

/* A set-associative cache with least-recently-used replacement; one set makes it fully associative. A miss fills
 * the flash word that was asked for, or the whole line. Without slots it is a buffer of one flash word. */
typedef struct
{
    int16_t *slot_of_line;  /* per line of flash: slot that holds it, or -1 */
    uint32_t *line_of_slot; /* UINT32_MAX: empty */
    uint32_t *valid;        /* per slot: a bit per flash word of the line */
    uint64_t *used;         /* per slot: when it was used last */
    uint32_t sets, ways;
    uint32_t line_shift;
    uint32_t fills_line;
    uint32_t last_word;
    uint32_t reserved;
} cache;

typedef struct
{
    uint64_t cycles;
    uint64_t instructions;
    uint64_t stalls_fetch;
    uint64_t stalls_data;
    uint64_t stalls_ram;
    uint64_t flash_reads;
    uint64_t loads; /* words, of flash and RAM; those of skipped instructions of an IT block among them */
    uint64_t stores;
    uint64_t calls;
} totals;

typedef struct
{
    /* static tables */
    uint32_t code_base, code_halfwords;
    const uint32_t *cycles_before; /* cycles of all instructions below the index, in address order */
    const uint32_t *instructions_before;
    const uint32_t *loads_before; /* words that they load */
    const uint32_t *stores_before;
    const uint8_t *entry_cycles; /* more cycles if a block starts here: what pipelining with the one before saves */
    const uint8_t *target_cycles; /* more cycles if a taken branch lands here */
    const uint8_t *taken_cycles;  /* at the index where a block ends: cost of its last instruction taking its branch */
    const int16_t *layer_entry;   /* layer that starts here, or -1 */
    const uint16_t *function_of;  /* function that the halfword belongs to */
    const uint32_t *function_entry; /* per function: index of its first halfword */
    totals *cells;                  /* per layer, a row of functions */
    uint32_t functions;
    /* flash */
    uint32_t flash_base, flash_bytes;
    uint32_t memory_model;
    uint32_t miss_cycles, word_shift, prefetch;
    uint32_t shared; /* instructions and data use one cache, `instruction` */
    uint32_t ram_wait_cycles;
    uint32_t ram_fetch_cycles; /* of the bus that data takes too, for a word of code in RAM; 0: no wait */
    cache instruction, data;
    /* an inference that runs away is stopped: the budget in instructions, and the emulator's own stop call */
    uint64_t budget;
    int (*stop)(void *engine);
    /* state */
    int64_t bus_excess; /* cycles that the block needs the bus of the RAM for beyond those it executes for */
    uint64_t executed;
    uint64_t clock; /* of the replacement policy */
    uint32_t last_end;
    uint32_t last_word; /* flash word fetched last */
    uint32_t function;  /* that runs */
    uint32_t unknown_blocks;
    totals *row;  /* of the layer that runs */
    totals *cell; /* of the function in it */
} counter;

static int lookup(counter *c, cache *k, uint32_t offset)
{
    if (k->ways == 0)
    {
        const uint32_t hit = offset >> c->word_shift == k->last_word;
        k->last_word = offset >> c->word_shift;
        return (int)hit;
    }
    const uint32_t line = offset >> k->line_shift;
    const uint32_t word = 1u << ((offset >> c->word_shift) & ((1u << (k->line_shift - c->word_shift)) - 1));
    int slot = k->slot_of_line[line];
    if (slot < 0)
    {
        /* The least recently used way of the set; one that was never used has the oldest time, 0. */
        const int first = (int)((line % k->sets) * k->ways);
        slot = first;
        for (int s = first + 1; s < first + (int)k->ways; ++s)
        {
            if (k->used[s] < k->used[slot])
            {
                slot = s;
            }
        }
        if (k->line_of_slot[slot] != UINT32_MAX)
        {
            k->slot_of_line[k->line_of_slot[slot]] = -1;
        }
        k->slot_of_line[line] = (int16_t)slot;
        k->line_of_slot[slot] = line;
        k->valid[slot] = 0;
    }
    k->used[slot] = ++c->clock;
    if (k->valid[slot] & word)
    {
        return 1;
    }
    k->valid[slot] |= k->fills_line ? UINT32_MAX : word;
    return 0;
}

/* Stall cycles of fetching the block at [offset, offset + size): each flash word that is not cached costs the
 * miss, less what a running prefetch of the next word hides behind the instructions of the one before. */
static uint32_t fetch(counter *c, uint32_t offset, uint32_t size, uint32_t busy)
{
    const uint32_t first = offset >> c->word_shift;
    const uint32_t last = (offset + size - 1) >> c->word_shift;
    const uint32_t share = busy / (last - first + 1);
    uint32_t stalls = 0;
    for (uint32_t word = first; word <= last; ++word)
    {
        if (word == c->last_word)
        {
            continue;
        }
        if (!lookup(c, &c->instruction, word << c->word_shift))
        {
            uint32_t stall = c->miss_cycles;
            if (c->prefetch && word == c->last_word + 1)
            {
                stall = c->miss_cycles + 1 > share ? c->miss_cycles + 1 - share : 0;
            }
            stalls += stall;
        }
        c->last_word = word;
    }
    return stalls;
}

static int64_t waits(const counter *c)
{
    return c->bus_excess > 0 ? c->bus_excess : 0;
}

/* Stall cycles of fetching the block at [address, address + size) from RAM. Its words and its data come one after
 * another, while it executes for `busy` cycles. Behind a taken branch, the refill of the pipeline has a cycle for the
 * first word; else a block that begins within a word has that word already. */
static uint32_t fetch_ram(counter *c, uint32_t address, uint32_t size, uint32_t branched, uint32_t busy,
                          uint32_t accesses)
{
    if (c->ram_fetch_cycles == 0)
    {
        return 0;
    }
    const uint32_t words = ((address + size - 1) >> 2) - (address >> 2) + 1;
    const uint32_t there = branched || (address & 2u);
    c->bus_excess = (int64_t)(words - there) * c->ram_fetch_cycles + accesses - busy;
    return (uint32_t)waits(c) + (branched ? c->ram_fetch_cycles - 1 : 0);
}

void tinybench_block(void *engine, uint64_t address, uint32_t size, void *user)
{
    counter *c = user;
    const uint32_t start = (uint32_t)(address - c->code_base) >> 1;
    const uint32_t end = start + (size >> 1);
    if (size == 0 || end > c->code_halfwords)
    {
        c->unknown_blocks++;
        return;
    }
    if (c->layer_entry[start] >= 0)
    {
        c->row = c->cells + (uint32_t)c->layer_entry[start] * c->functions;
    }
    const uint32_t function = c->function_of[start];
    totals *t = c->row + function;
    c->cell = t;
    if (function != c->function)
    {
        c->function = function;
        t->calls += start == c->function_entry[function];
    }
    uint32_t cycles = c->cycles_before[end] - c->cycles_before[start];
    uint32_t extra = 0, busy = cycles;
    const uint32_t branched = c->last_end != start;
    if (branched)
    {
        busy += c->entry_cycles[start];
        extra = c->entry_cycles[start] + c->taken_cycles[c->last_end] + c->target_cycles[start];
    }
    c->last_end = end;
    const uint32_t instructions = c->instructions_before[end] - c->instructions_before[start];
    const uint32_t loads = c->loads_before[end] - c->loads_before[start];
    t->instructions += instructions;
    t->loads += loads;
    const uint32_t stores = c->stores_before[end] - c->stores_before[start];
    t->stores += stores;
    c->executed += instructions;
    if (c->executed > c->budget)
    {
        c->stop(engine);
    }
    if (c->memory_model)
    {
        const uint32_t offset = (uint32_t)address - c->flash_base;
        const uint32_t stalls = offset < c->flash_bytes
                                    ? fetch(c, offset, size, cycles)
                                    : fetch_ram(c, (uint32_t)address, size, branched, busy, loads + stores);
        /* Each load counts as one of RAM here; a read of flash takes its own back below. */
        const uint32_t ram = loads * c->ram_wait_cycles;
        t->stalls_fetch += stalls;
        t->stalls_ram += ram;
        extra += stalls + ram;
    }
    t->cycles += cycles + extra;
}

void tinybench_flash_read(void *engine, int type, uint64_t address, int size, int64_t value, void *user)
{
    counter *c = user;
    (void)engine;
    (void)type;
    (void)value;
    totals *t = c->cell;
    const uint32_t offset = (uint32_t)address - c->flash_base;
    uint32_t last = offset + (uint32_t)size - 1;
    if (last >= c->flash_bytes)
    {
        last = offset; /* the emulator faults on the rest */
    }
    /* An access across two pages of the emulator comes here three times: whole, and once for each half. */
    const int64_t reads = last >> 12 != offset >> 12 ? -1 : 1;
    const int64_t ram = reads * c->ram_wait_cycles; /* counted with the block, but flash was read */
    t->flash_reads += (uint64_t)reads;
    cache *k = c->shared ? &c->instruction : &c->data;
    uint32_t stalls = lookup(c, k, offset) ? 0 : c->miss_cycles;
    if (last >> c->word_shift != offset >> c->word_shift && !lookup(c, k, last))
    {
        stalls += c->miss_cycles + 1;
    }
    const int64_t waited = waits(c);
    c->bus_excess -= reads; /* nor was it an access to RAM that kept the bus from fetching code there */
    const uint64_t freed = (uint64_t)(waited - waits(c));
    t->stalls_fetch -= freed;
    t->stalls_data += stalls;
    t->stalls_ram -= (uint64_t)ram;
    t->cycles += stalls - (uint64_t)ram - freed;
}

uint32_t tinybench_counter_bytes(void)
{
    return sizeof(counter);
}
