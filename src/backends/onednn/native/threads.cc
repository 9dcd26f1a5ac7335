#include "threads.h"
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

namespace {

/** A thread that lives until the gate opens. */
struct Probe {
  pthread_t thread;
  pthread_mutex_t* gate;
  pid_t id;
};

void* wait_at_gate(void* argument) {
  auto* probe = static_cast<Probe*>(argument);
  probe->id = pid_t(syscall(SYS_gettid));
  pthread_mutex_lock(probe->gate);
  pthread_mutex_unlock(probe->gate);
  return nullptr;
}

/** A joined thread may still count towards a limit, until the kernel no longer knows its id. */
void wait_until_gone(const Probe& probe) {
  while (syscall(SYS_tgkill, getpid(), probe.id, 0) == 0) usleep(100);
}

}  // namespace

int startable_threads(int wanted) {
  pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
  std::vector<Probe> probes(wanted);
  int started = 0;
  pthread_mutex_lock(&gate);
  while (started < wanted) {
    Probe& probe = probes[started];
    probe.gate = &gate;
    if (pthread_create(&probe.thread, nullptr, wait_at_gate, &probe) != 0) break;
    started++;
  }
  pthread_mutex_unlock(&gate);
  for (int i = 0; i < started; i++) pthread_join(probes[i].thread, nullptr);
  for (int i = 0; i < started; i++) wait_until_gone(probes[i]);
  return started;
}
