//===- Child.cpp - a job in a process of its own --------------------------===//
#include "tools/tune/Job.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace tintype::tune {

using Clock = std::chrono::steady_clock;

static Outcome outcome(llvm::StringRef status, const llvm::Twine &message) {
  Outcome o;
  o.status = status.str(), o.message = message.str();
  return o;
}

/// The last line that says something, for the record.
static std::string lastLine(const std::string &log) {
  llvm::StringRef rest = llvm::StringRef(log).rtrim();
  llvm::StringRef line = rest.substr(rest.rfind('\n') + 1);
  return line.take_front(200).str();
}

/// Waits for `pid`, reading its output; whether it ended by itself.
static bool collect(pid_t pid, int outFd, int errFd, double seconds, const volatile bool &interrupted, std::string &out,
                    std::string &err, int &status) {
  auto start = Clock::now();
  bool ended = false, killed = false;
  pollfd fds[2] = {{outFd, POLLIN, 0}, {errFd, POLLIN, 0}};
  while (!ended) {
    poll(fds, 2, 20);
    for (auto &[fd, text] : {std::pair<pollfd *, std::string *>{&fds[0], &out}, {&fds[1], &err}}) {
      char buffer[4096];
      ssize_t n;
      while (fd->fd >= 0 && (n = read(fd->fd, buffer, sizeof(buffer))) > 0)
        if (text->size() < 1 << 16)
          text->append(buffer, n);
      if (fd->fd >= 0 && (fd->revents & POLLHUP) && n == 0)
        fd->fd = -1;
    }
    pid_t r = waitpid(pid, &status, WNOHANG);
    ended = r == pid || (r < 0 && errno != EINTR);
    if (!ended && fds[0].fd < 0 && fds[1].fd < 0)
      usleep(1000);
    double spent = std::chrono::duration<double>(Clock::now() - start).count();
    if (!ended && !killed && (interrupted || spent > seconds)) {
      kill(-pid, SIGKILL);
      kill(pid, SIGKILL);
      killed = true;
    }
  }
  char buffer[4096];
  for (ssize_t n; fds[0].fd >= 0 && (n = read(fds[0].fd, buffer, sizeof(buffer))) > 0;)
    out.append(buffer, n);
  return !killed;
}

Outcome runChild(const Job &job, const volatile bool &interrupted) {
  std::string file = job.cacheDir + "/job-XXXXXX";
  int fd = mkstemp(file.data());
  if (fd < 0)
    return outcome("lost", "cannot write to " + job.cacheDir);
  llvm::raw_fd_ostream(fd, true) << toJson(job);
  int out[2], err[2];
  if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC)) {
    unlink(file.c_str());
    return outcome("lost", "no pipe");
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  posix_spawn_file_actions_adddup2(&actions, err[1], 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // A group of its own: an interrupt at the terminal is the parent's alone.
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  std::string self = llvm::sys::fs::getMainExecutable(nullptr, nullptr), command = "measure-candidate";
  char *argv[] = {self.data(), command.data(), file.data(), nullptr};
  pid_t pid = 0;
  int rc = posix_spawn(&pid, self.c_str(), &actions, &attributes, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  close(out[1]);
  close(err[1]);
  Outcome result;
  if (rc != 0) {
    result = outcome("lost", std::string("cannot start a process: ") + strerror(rc));
  } else {
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    fcntl(err[0], F_SETFL, O_NONBLOCK);
    std::string said, log;
    int status = 0;
    // The child limits its CPU time itself; on a busy machine the clock on the wall goes on meanwhile.
    bool byItself = collect(pid, out[0], err[0], 4 * job.limitSeconds + 20, interrupted, said, log, status);
    if (interrupted)
      result = outcome("stopped", "");
    else if (!byItself)
      result = outcome("timeout", "longer than " + llvm::Twine((int)job.limitSeconds) + " s, by the clock");
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
      result = outcome("timeout", "longer than " + llvm::Twine((int)job.limitSeconds) + " s");
    else if (WIFSIGNALED(status))
      result = outcome("crash", llvm::Twine("ended by ") + strsignal(WTERMSIG(status)) + (log.empty() ? "" : ": " + lastLine(log)));
    else if (!fromJson(said, result))
      result = outcome("crash", "exit status " + llvm::Twine(WEXITSTATUS(status)) + (log.empty() ? "" : ": " + lastLine(log)));
  }
  close(out[0]);
  close(err[0]);
  unlink(file.c_str());
  return result;
}

} // namespace tintype::tune
