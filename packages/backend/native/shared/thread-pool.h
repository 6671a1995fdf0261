/*
 * Threads that share the tasks of a phase. Tasks are claimed one by one, so that a thread that has lost its core delays
 * only the task it holds. What a task computes must not depend on who runs it.
 */
#ifndef V_TRIUNE_THREAD_POOL_H
#define V_TRIUNE_THREAD_POOL_H
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

/* Looks at the next phase before a thread goes to sleep: about as long as a wake-up takes. */
#define SPINS 4000

typedef void (*Task)(void *context, int index, int thread);

typedef struct Pool Pool;

typedef struct {
  Pool *pool;
  int number;
  pthread_t thread;
} Worker;

struct Pool {
  /* Threads in all; number 0 is the caller's. */
  int count;
  Worker *workers;
  Task task;
  void *context;
  /* 24 bits of tasks in this phase and 24 of claimed ones, under a count of phases. */
  _Atomic uint64_t claims;
  _Atomic int done;
  _Atomic int sleepers;
  _Atomic int ended;
  pthread_mutex_t lock;
  pthread_cond_t wake;
};

#define CLAIM_BITS 24
#define CLAIM_MASK ((1u << CLAIM_BITS) - 1)

static inline int claimed(uint64_t claims) { return (int)(claims & CLAIM_MASK); }
static inline int tasks(uint64_t claims) { return (int)((claims >> CLAIM_BITS) & CLAIM_MASK); }

static inline void rest(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void take_tasks(Pool *pool, int thread) {
  for (;;) {
    uint64_t seen = atomic_load(&pool->claims);
    if (claimed(seen) >= tasks(seen)) return;
    /* The claim may be of a later phase than the one seen: its own number of tasks comes with it. */
    seen = atomic_fetch_add(&pool->claims, 1);
    if (claimed(seen) >= tasks(seen)) return;
    pool->task(pool->context, claimed(seen), thread);
    atomic_fetch_add(&pool->done, 1);
  }
}

static int has_tasks(Pool *pool) {
  uint64_t seen = atomic_load(&pool->claims);
  return claimed(seen) < tasks(seen);
}

static void *work(void *argument) {
  Worker *worker = argument;
  Pool *pool = worker->pool;
  while (!atomic_load(&pool->ended)) {
    int spins = 0;
    while (!has_tasks(pool) && spins++ < SPINS && !atomic_load(&pool->ended)) rest();
    if (has_tasks(pool)) {
      take_tasks(pool, worker->number);
      continue;
    }
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleepers, 1);
    while (!has_tasks(pool) && !atomic_load(&pool->ended)) pthread_cond_wait(&pool->wake, &pool->lock);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->lock);
  }
  return NULL;
}

static void wake_all(Pool *pool) {
  pthread_mutex_lock(&pool->lock);
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->lock);
}

/* Runs task(context, 0 .. count - 1, thread) on all threads and returns when all are done. */
static void run_tasks(Pool *pool, int count, Task task, void *context) {
  if (pool->count == 1 || count <= 1) {
    for (int i = 0; i < count; i++) task(context, i, 0);
    return;
  }
  pool->task = task;
  pool->context = context;
  atomic_store(&pool->done, 0);
  uint64_t phase = (atomic_load(&pool->claims) >> (2 * CLAIM_BITS)) + 1;
  atomic_store(&pool->claims, phase << (2 * CLAIM_BITS) | (uint64_t)count << CLAIM_BITS);
  if (atomic_load(&pool->sleepers) > 0) wake_all(pool);
  take_tasks(pool, 0);
  for (int spins = 0; atomic_load(&pool->done) < count; spins++) {
    if (spins < SPINS) rest();
    else sched_yield();
  }
}

/* Threads that cannot be started are left out. NULL: out of memory. */
static Pool *open_pool(int count) {
  Pool *pool = calloc(1, sizeof *pool);
  Worker *workers = calloc((size_t)count, sizeof *workers);
  if (!pool || !workers) {
    free(pool);
    free(workers);
    return NULL;
  }
  pool->workers = workers;
  pool->count = 1;
  pthread_mutex_init(&pool->lock, NULL);
  pthread_cond_init(&pool->wake, NULL);
  while (pool->count < count) {
    Worker *worker = &workers[pool->count];
    worker->pool = pool;
    worker->number = pool->count;
    if (pthread_create(&worker->thread, NULL, work, worker) != 0) break;
    pool->count++;
  }
  return pool;
}

static void close_pool(Pool *pool) {
  atomic_store(&pool->ended, 1);
  wake_all(pool);
  for (int i = 1; i < pool->count; i++) pthread_join(pool->workers[i].thread, NULL);
  pthread_mutex_destroy(&pool->lock);
  pthread_cond_destroy(&pool->wake);
  free(pool->workers);
  free(pool);
}

#endif
