//===- Child.cpp - this program again, as a child process -----------------===//
#include "tools/tune/Child.h"
#include "tools/tune/Job.h"
#include "llvm/Support/FileSystem.h"
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

std::string lastLine(const std::string &log) {
  llvm::StringRef rest = llvm::StringRef(log).rtrim();
  llvm::StringRef line = rest.substr(rest.rfind('\n') + 1);
  return line.take_front(200).str();
}

/// Waits for `pid`, reading its output.
static void collect(pid_t pid, int outFd, int errFd, double seconds, const volatile bool &interrupted, Ended &r) {
  auto last = Clock::now();
  double spent = 0; // while neither of us is stopped, as a shell stops a job
  bool ended = false;
  r.byItself = true;
  pollfd fds[2] = {{outFd, POLLIN, 0}, {errFd, POLLIN, 0}};
  auto drain = [&] {
    for (auto [fd, text] : {std::pair<pollfd *, std::string *>{&fds[0], &r.out}, {&fds[1], &r.err}}) {
      char buffer[4096];
      ssize_t n = -1;
      while (fd->fd >= 0 && (n = read(fd->fd, buffer, sizeof(buffer))) > 0)
        if (text->size() < 1 << 16)
          text->append(buffer, n);
      if (n == 0)
        fd->fd = -1;
    }
  };
  while (!ended) {
    poll(fds, 2, 20);
    drain();
    pid_t got = waitpid(pid, &r.status, WNOHANG);
    ended = got == pid || (got < 0 && errno != EINTR);
    if (!ended && fds[0].fd < 0 && fds[1].fd < 0)
      usleep(1000);
    auto time = Clock::now();
    spent += std::min(std::chrono::duration<double>(time - last).count(), 1.0);
    last = time;
    if (!ended && r.byItself && (interrupted || spent > seconds)) {
      kill(-pid, SIGKILL);
      kill(pid, SIGKILL);
      r.byItself = false;
    }
  }
  drain();
}

Ended runSelf(const std::vector<std::string> &arguments, double seconds, const volatile bool &interrupted) {
  Ended r;
  int out[2], err[2];
  if (pipe2(out, O_CLOEXEC)) {
    r.err = strerror(errno);
    return r;
  }
  if (pipe2(err, O_CLOEXEC)) {
    r.err = strerror(errno);
    close(out[0]), close(out[1]);
    return r;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  posix_spawn_file_actions_adddup2(&actions, err[1], 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  std::string self = llvm::sys::fs::getMainExecutable(nullptr, nullptr);
  std::vector<char *> argv{self.data()};
  for (const std::string &a : arguments)
    argv.push_back(const_cast<char *>(a.c_str()));
  argv.push_back(nullptr);
  pid_t pid = 0;
  int rc = posix_spawn(&pid, self.c_str(), &actions, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  close(out[1]);
  close(err[1]);
  if (rc != 0) {
    r.err = strerror(rc);
  } else {
    r.started = true;
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    fcntl(err[0], F_SETFL, O_NONBLOCK);
    collect(pid, out[0], err[0], seconds, interrupted, r);
  }
  close(out[0]);
  close(err[0]);
  return r;
}

static Outcome outcome(llvm::StringRef status, const llvm::Twine &message) { return {status.str(), message.str(), {}}; }

Outcome runChild(const Job &job, double seconds, const volatile bool &interrupted) {
  std::string file = job.cacheDir + "/job-XXXXXX";
  int fd = mkstemp(file.data());
  if (fd < 0)
    return outcome("lost", "cannot write to " + job.cacheDir);
  {
    llvm::raw_fd_ostream os(fd, true);
    os << toJson(job);
    os.close();
    if (os.has_error()) {
      os.clear_error();
      unlink(file.c_str());
      return outcome("lost", "cannot write to " + file);
    }
  }
  // The child limits its CPU time itself; on a busy machine the clock on the wall goes on meanwhile.
  const double most = 4 * job.limitSeconds + 20;
  Ended child = runSelf({"measure-candidate", file}, std::min(seconds, most), interrupted);
  unlink(file.c_str());
  if (!child.started)
    return outcome("lost", "cannot start a process: " + child.err);
  if (interrupted || (!child.byItself && seconds < most))
    return outcome("stopped", "");
  std::string log = child.err.empty() ? "" : ": " + lastLine(child.err);
  std::string late = "longer than " + std::to_string((int)job.limitSeconds) + " s";
  if (!child.byItself)
    return outcome("timeout", late + ", by the clock");
  if (WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGXCPU)
    return outcome("timeout", late);
  if (WIFSIGNALED(child.status))
    return outcome("crash", llvm::Twine("ended by ") + strsignal(WTERMSIG(child.status)) + log);
  Outcome result;
  if (!fromJson(child.out, result))
    return outcome("crash", "exit status " + llvm::Twine(WEXITSTATUS(child.status)) + log);
  return result;
}

} // namespace tintype::tune
