#!/bin/sh
# Makes the files of secrets that docker-compose.yml reads, with random values, once.
#   sh deploy/secrets.sh                      what is there already is never changed
#   sh deploy/secrets.sh --self-signed NAME   and a certificate for NAME, to try things out with
set -eu
folder=${TRIA_SECRETS:-.tria/secrets}
certificates=${TRIA_CERTIFICATES:-.tria/certificates}

random() { od -An -v -N32 -tx1 /dev/urandom | tr -d ' \n'; }
put() { printf '%s' "$2" >"$draft/$1" && chmod 444 "$draft/$1"; }

if [ -e "$folder" ]; then
  echo "$folder is there already: nothing was changed." >&2
  exit 1
fi
# Nobody else on this machine gets into the folder; in the containers other accounts read the files.
umask 077
mkdir -p "$(dirname "$folder")" "$certificates" .tria/monitoring/secrets .tria/monitoring/textfiles
draft=$(mktemp -d "$folder.XXXXXX")
mkdir "$draft/service" "$draft/migrate" "$draft/postgres" "$draft/redis"
chmod 755 "$draft"/* "$certificates" .tria/monitoring/secrets
chmod 1777 .tria/monitoring/textfiles
owner=$(random)
app="postgresql://tria_app:$(random)@postgres:5432/tria"
put postgres/password "$owner"
put migrate/database_owner_url "postgresql://tria:$owner@postgres:5432/tria"
put migrate/database_url "$app"
put service/database_url "$app"
events=$(random)
put service/redis_url "redis://tria:$events@redis:6379/0"
# Exporters look it up by one of these, newer ones by the second.
put redis/exporter.json "{\"redis://redis:6379\": \"$events\", \"redis://tria@redis:6379\": \"$events\"}"
# Whoever has no password may ask how it is, and nothing else.
put redis/valkey.conf "user default on nopass -@all +ping +info
user tria on >$events ~* &* +@all"
put service/tria_secret "$(random)"
mv "$draft" "$folder"
echo "Made $folder. Of your own, each as a file, such as:"
for name in xero_client_secret xero_webhook_key openai_api_key; do
  echo "  install -m 444 /dev/stdin $folder/service/$name    # paste it, then Ctrl-D"
done

if [ "${1:-}" = --self-signed ]; then
  case $2 in *[!0-9.]*) kind=DNS ;; *) kind=IP ;; esac
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=$2" -addext "subjectAltName=$kind:$2" \
    -keyout "$certificates/key.pem" -out "$certificates/certificate.pem" 2>/dev/null
  chmod 444 "$certificates/key.pem" "$certificates/certificate.pem"
  echo "Made $certificates: a certificate that nobody trusts, for $2, for 30 days."
fi
