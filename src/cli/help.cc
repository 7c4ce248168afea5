#include "cli/help.h"

namespace baton::cli {

std::string_view main_help() {
  return R"(Runs a program as many workers behind one port, and keeps them alive.

  baton run -i max app.js            one worker a core, on the port that app.js listens on
  baton run --help                   more of it

Usage: baton VERB [OPTIONS] ...

  run         run a program in the foreground, as N workers
  help        this text; 'baton help run' is 'baton run --help'

  --version   the version of baton
)";
}

std::string_view run_help() {
  return R"(Runs PROGRAM as N workers behind one port, in the foreground; fit to be process 1 of a container.

  baton run -i max app.js                           an unmodified Node server, one worker a core
  baton run -i 4 ./server --port 8080               a C++ program that joins the cluster
  baton run --listen 8080 -i 2 gunicorn app:wsgi    a program that takes its socket as from systemd
  baton run --admin 127.0.0.1:9000 app.js           with /livez, /readyz, /status and /metrics
  kill -HUP PID                                     a new version: every worker replaced, nothing lost

Usage: baton run [OPTIONS] PROGRAM [ARG...]

PROGRAM is a file or a name in PATH; .js, .mjs and .cjs files are run by node. What follows it is its own.
A TIME is a number with ms, s, m or h; a bare number is milliseconds.

Workers
  -i, --instances N|max       how many; max: what affinity and cgroup allow            (1)
      --policy POLICY         who gets a connection: round-robin (rr), shared,
                              reuse-port, least-loaded, sticky (sticky:address),
                              sticky:cookie=NAME, sticky:header=NAME                   (round-robin)
      --listen [NAME=]ADDR    open a socket and hand it over as systemd does
                              (LISTEN_FDS); again for more
      --name NAME             what it is called in logs                                (the program's)
      --cwd DIR               where the workers run
      --env KEY=VALUE         a variable of theirs; again for more
      --env-file FILE         lines KEY=VALUE; they win over what is inherited,
                              --env over them
      --interpreter PROGRAM   what runs PROGRAM, perhaps with arguments in front       (node, for scripts)
      --no-preload            do not give Node programs the module that makes their
                              http servers drain and report their load

Ready and done
      --ready any|notify      what counts as ready: listening, or READY=1 on
                              NOTIFY_SOCKET, or only the latter                        (any)
      --listen-timeout TIME   to become ready                                          (10s)
      --drain-delay TIME      after SIGTERM: not ready any more, but still serving     (0s)
      --grace TIME            how long a worker that leaves keeps an idle keep-alive
                              connection on which a request may yet come               (5s)
      --kill-timeout TIME     from being told to stop until SIGKILL of the whole tree  (10s)
      --stop-signal SIGNAL    also send this when a worker is told to stop             (none)

When a worker dies
      --min-uptime TIME       sooner than this after being ready is unstable; 0: never (1s)
      --backoff A..B          the wait after unstable deaths, doubling from A to B     (100ms..30s)
      --max-restarts N        unstable deaths within 60 s until giving up; 0: never    (10)
      --hang-timeout TIME     kill a worker that does not answer for so long           (off)
      --max-memory SIZE       replace one that stays over it for 5 s; K, M or G        (off)

Looking on
      --admin ADDR            HOST:PORT or unix:/path: /livez, /readyz, /status, /metrics
      --json-logs             every line is one JSON object
  -h, --help                  this text

Signals: TERM and INT drain and exit 0, a second one kills; HUP and USR2 replace every worker, one by one;
TTIN and TTOU add and remove one.
Exit codes: 0 ended as told, 1 failure, 2 usage, 3 a listener could not be opened, 4 no worker was ever ready,
5 gave up restarting, 126 PROGRAM is not executable, 127 it was not found, 128 + signal when killed.
)";
}

}  // namespace baton::cli
