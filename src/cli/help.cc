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
  baton run --restart on-failure ./job              a job: started again only if it fails
  baton run --admin 127.0.0.1:9000 app.js           with /livez, /readyz, /status and /metrics
  kill -HUP PID                                     a new version: every worker replaced, nothing lost

Usage: baton run [OPTIONS] PROGRAM [ARG...]

PROGRAM is a file or a name in PATH; .js, .mjs and .cjs files are run by node, so are .ts, .mts and .cts by
Node 22.18 and newer, or with the app's own tsx or ts-node. What follows it is its own.
A TIME is a number with ms, s, m or h; a bare number is milliseconds. 0 is never,
but for --drain-delay, where it is none.

Workers
  -i, --instances N|max       how many; max: what affinity and cgroup allow            (1)
      --policy POLICY         who gets a connection: round-robin (rr), shared,
                              reuse-port, least-loaded, sticky (sticky:address),
                              sticky:cookie=NAME, sticky:header=NAME                   (round-robin)
      --listen [NAME=]ADDR    open a socket and hand it over as systemd does
                              (LISTEN_FDS); again for more. udp:ADDR, and
                              unix:/path[,mode=660][,owner=USER][,group=GROUP]
      --allow-listen RULE     what workers may listen on, and nothing else: 8080,
                              8000-8999, 127.0.0.1:*, /run/app/*; again for more       (what their user may)
      --name NAME             what it is called in logs                                (the program's)
      --cwd DIR               where the workers run
      --env KEY=VALUE         a variable of theirs; again for more
      --env-file FILE         lines KEY=VALUE; they win over what is inherited,
                              --env over them
      --interpreter PROGRAM   what runs PROGRAM, perhaps with arguments in front       (node, for scripts)
      --channel auto|yes|no   whether workers get Node's IPC channel, on which they join
                              the cluster. auto: not python, ruby, php, perl, java and
                              the like, and with --listen only Node and Baton programs (auto)
      --primary FILE          a script for Node beside the workers, which gets and answers
                              their messages as the primary of Node's cluster does;
                              without it those of @socket.io/cluster-adapter and of
                              pm2-intercom ({topic, data}) go to the other workers
      --stdin null|pipe       their standard input: nothing, or a pipe that never ends,
                              for programs that end with it                            (null)
      --no-preload            do not give Node programs the module that makes their
                              http servers drain and report their load

Ready and done
      --ready WHAT            what counts as ready. auto: the first of READY=1 on
                              NOTIFY_SOCKET, listening in the cluster, and the message
                              "ready"; without any of them, being alive after
                              --listen-timeout, unless an earlier worker did better.
                              Only one of them: notify, listening, message, alive;
                              somebody answers: tcp:PORT, http://HOST:PORT/PATH        (auto)
      --listen-timeout TIME   to become ready; 0: for ever                             (10s)
      --drain-delay TIME      after SIGTERM: not ready any more, but still serving     (0s)
      --grace TIME            how long a worker that leaves keeps an idle keep-alive
                              connection on which a request may yet come               (5s)
      --kill-timeout TIME     from being told to stop until SIGKILL of the whole tree; (8s, less
                              0: never                                                 --drain-delay)
      --stop-signal SIGNAL    send this to a worker that is told to stop, whether its  (SIGTERM, if it
                              program handles it or not, and SIGTERM only at last      handles it)
      --reload HOW            overlap: the new worker is ready before the old one is
                              told to stop, and the first one has lived for
                              --min-uptime; stop-first: the other way round; auto:
                              stop-first for who listens by itself                     (auto)

When a worker dies
      --restart WHO           always, on-failure (a job that may exit with 0), never   (always)
      --min-uptime TIME       sooner than this after being ready is unstable; 0: never (1s)
      --backoff A..B          the wait after unstable deaths, doubling from A to B     (100ms..30s)
      --max-restarts N        unstable deaths within 60 s until giving up; 0: never    (10)
      --hang-timeout TIME     kill a worker that does not answer for so long; 0: never (off)
      --max-memory SIZE       replace one that stays over it for 5 s; K, M or G        (off)
      --orphans end|keep      if baton itself is killed with SIGKILL, programs end with
                              it, or live on; with keep they write to baton's own
                              output themselves                                        (end)

Looking on
      --admin ADDR            HOST:PORT or unix:/path: /livez, /readyz, /status, /metrics;
                              on a path also POST /reload, /scale?n=N and
                              /workers/N/replace
      --json-logs             every line is one JSON object
  -h, --help                  this text

As a service of systemd (Type=notify or notify-reload) it tells READY, RELOADING, STOPPING, STATUS, WATCHDOG,
and asks for more time while it drains; sockets that it was given it hands on.
Each worker has its number in BATON_INSTANCE (from 1 on) and NODE_APP_INSTANCE (from 0 on); its successor
has the same.
Signals: TERM and INT drain and exit 0, a second one kills; HUP and USR2 replace every worker, one by one;
TTIN and TTOU add and remove one; others are ignored. When its terminal is closed it drains, too; under nohup
HUP is ignored.
Exit codes: 0 ended as told or every job is done, 1 failure, 2 usage, 3 a listener could not be opened,
4 no worker was ever ready, 5 gave up restarting, 126 PROGRAM is not executable, 127 it was not found,
128 + signal when killed.
)";
}

}  // namespace baton::cli
