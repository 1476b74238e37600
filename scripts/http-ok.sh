#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Succeeds when a server on this machine returns 200: http-ok PORT PATH. The health check of the images, which have no curl.
set -eu
port=$1 path=$2
exec 3<>"/dev/tcp/127.0.0.1/$port"
printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$path" "$port" >&3
read -r -t 5 _version code _reason <&3
[ "$code" = 200 ]
