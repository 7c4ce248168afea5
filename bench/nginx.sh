#!/bin/sh
# nginx.sh PORT [WORKERS]: an nginx of its own with a fixed answer; its files are gone when it ends.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/nginx.conf" <<END
worker_processes ${2:-1};
error_log stderr error;
pid $folder/pid;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path $folder/body;
  proxy_temp_path $folder/proxy;
  fastcgi_temp_path $folder/fastcgi;
  uwsgi_temp_path $folder/uwsgi;
  scgi_temp_path $folder/scgi;
  default_type text/plain;
  server {
    listen 127.0.0.1:$1;
    location / { return 200 "Hello World from 12345\n"; }
  }
}
END
nginx -p "$folder" -c "$folder/nginx.conf" -e stderr -g 'daemon off;' &
nginx=$!
trap 'kill "$nginx"' TERM
wait "$nginx" || wait "$nginx" || :
