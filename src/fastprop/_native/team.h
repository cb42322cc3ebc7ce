/* A team: threads that work on one job together, in steps that all begin and end at once.
 *
 * Worker 0 opens the team, waits a moment for the helpers it has called, and begins, alone if need be. Who comes later
 * is let in between two steps, so that nobody depends on a thread that is not running. Between meetings a worker
 * touches only its own share, and at a meeting the last to arrive does, alone, what one of them must do.
 *
 * `state` holds the number of meetings so far and the size of the team, in one word: who reads it knows both of
 * the same moment. Waiting is a short spin, then giving the processor away.
 */
#ifndef FASTPROP_TEAM_H
#define FASTPROP_TEAM_H

#include <stdint.h>

#if defined(_MSC_VER)
#include <intrin.h>
#include <windows.h>
#define YIELD() SwitchToThread()
static inline int64_t atomic_get(volatile int64_t *p) { return InterlockedOr64(p, 0); }
static inline void atomic_set(volatile int64_t *p, int64_t value) { InterlockedExchange64(p, value); }
static inline int64_t atomic_increment(volatile int64_t *p) { return InterlockedIncrement64(p); }
static inline double seconds_now(void) {
    LARGE_INTEGER ticks, per_second;
    QueryPerformanceCounter(&ticks);
    QueryPerformanceFrequency(&per_second);
    return (double)ticks.QuadPart / (double)per_second.QuadPart;
}
#else
#include <sched.h>
#include <time.h>
#define YIELD() sched_yield()
static inline int64_t atomic_get(volatile int64_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
static inline void atomic_set(volatile int64_t *p, int64_t value) { __atomic_store_n(p, value, __ATOMIC_RELEASE); }
static inline int64_t atomic_increment(volatile int64_t *p) { return __atomic_add_fetch(p, 1, __ATOMIC_ACQ_REL); }
static inline double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
#endif

/* Rests a moment, without giving the processor away. */
static inline void pause_briefly(void) {
#if defined(_MSC_VER)
    YieldProcessor();
#elif defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

enum { SPINS = 1000 }; /* 10 to 40 us: longer than a share of a short step, shorter than a time slice */

typedef struct {
    volatile int64_t state;   /* meetings so far << 32 | workers now */
    volatile int64_t waiting; /* workers that have arrived at the meeting to come */
    volatile int64_t at_gate; /* helpers that have come so far, those let in included */
    volatile int64_t closed;  /* nobody is let in any more */
    int64_t most;             /* workers that there is room for */
    int processor;            /* where worker 0 runs, -1 where that is not known */
} team;

#if defined(__linux__)
static inline int processor_here(void) { return sched_getcpu(); }

/* Go to another processor, if there is one that this thread may use. */
static inline void leave_processor(int processor) {
    cpu_set_t allowed, others;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    others = allowed;
    CPU_CLR(processor, &others);
    if (CPU_COUNT(&others) > 0 && sched_setaffinity(0, sizeof others, &others) == 0)
        sched_setaffinity(0, sizeof allowed, &allowed);
}
#else
static inline int processor_here(void) { return -1; }
static inline void leave_processor(int processor) { (void)processor; }
#endif

static inline int64_t team_size(team *t) { return atomic_get(&t->state) & 0xffffffff; }

static inline void team_open(team *t, int64_t most) {
    t->waiting = t->at_gate = t->closed = 0;
    t->most = most;
    t->processor = processor_here();
    atomic_set(&t->state, 1);
}

/* Lets in who is at the gate. Only while no worker but the caller is between two meetings. */
static inline void team_admit(team *t, int64_t meetings) {
    const int64_t present = 1 + atomic_get(&t->at_gate);
    atomic_set(&t->state, meetings << 32 | (present < t->most ? present : t->most));
}

/* Worker 0's wait for its helpers, of so many pauses at most. A helper that waits for this processor gets it. */
static inline void team_gather(team *t, int64_t patience) {
    for (int64_t spins = 1; spins <= patience && 1 + atomic_get(&t->at_gate) < t->most; spins++) {
        if (spins % SPINS) pause_briefly();
        else YIELD();
    }
    team_admit(t, 0);
}

static inline void team_close(team *t) { atomic_set(&t->closed, 1); }

/* A helper's way in: its number in the team, or 0 where it is not needed. Linux may wake a thread on the processor of
 * the one that woke it, although another is idle, and leave it there for longer than most calls take. */
static inline int64_t team_enter(team *t) {
    if (t->processor >= 0 && processor_here() == t->processor) leave_processor(t->processor);
    const int64_t number = atomic_increment(&t->at_gate);
    if (number >= t->most) return 0;
    for (int64_t spins = 0; team_size(t) <= number; spins++) {
        if (atomic_get(&t->closed)) return 0;
        if (spins < SPINS) pause_briefly();
        else YIELD();
    }
    return number;
}

/* Whether the caller is the last to arrive: it then does what one must do, and calls team_go_on. The others return
 * when it has. */
static inline int team_meet(team *t) {
    const int64_t seen = atomic_get(&t->state), size = seen & 0xffffffff;
    if (size == 1 || atomic_increment(&t->waiting) == size) return 1;
    for (int64_t spins = 0; atomic_get(&t->state) == seen; spins++) {
        if (spins < SPINS) pause_briefly();
        else YIELD();
    }
    return 0;
}

/* Ends a meeting; with `admit`, lets in who stands at the gate. */
static inline void team_go_on(team *t, int admit) {
    const int64_t meetings = (t->state >> 32) + 1;
    t->waiting = 0;
    if (admit && t->most > 1) team_admit(t, meetings);
    else atomic_set(&t->state, meetings << 32 | (t->state & 0xffffffff));
}

#endif
