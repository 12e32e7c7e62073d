#!/usr/bin/env bash
# Gets an access token with the key file of a service account, and prints the answer.
# Needs curl and openssl; the key is one for RS256, as service accounts have when nothing else is said.
#
#   get-token.sh KEY_FILE [SCOPE] [RESOURCE]
set -euo pipefail

key_file=${1:?Usage: get-token.sh KEY_FILE [SCOPE] [RESOURCE]}
scope=${2:-}
resource=${3:-}

# The key file has one member a line.
member() { sed -n "s/^ *\"$1\": \"\(.*\)\",\{0,1\}\$/\1/p" "$key_file"; }
base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
from_hex() { printf "$(sed 's/../\\x&/g')"; }

# Good for one request, within a minute.
sign_assertion() {
  local now header claims content
  now=$(date +%s)
  header=$(printf '{"alg":"RS256","kid":"%s","typ":"JWT"}' "$(member kid)")
  claims=$(printf '{"iss":"%s","sub":"%s","aud":"%s","iat":%d,"exp":%d,"jti":"%s"}' \
    "$(member id)" "$(member id)" "$(member issuer)" "$now" $((now + 60)) "$(openssl rand -hex 16)")
  content=$(printf %s "$header" | base64url).$(printf %s "$claims" | base64url)
  printf '%s.%s' "$content" "$(printf %s "$content" |
    openssl dgst -sha256 -sign <(printf '%b' "$(member private_key)") | base64url)"
}

base32_to_hex() {
  awk '{
    for (i = 1; i <= length($0); i++) {
      value = value * 32 + index("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", substr($0, i, 1)) - 1
      for (bits += 5; bits >= 8; value %= 2 ^ bits) {
        bits -= 8
        printf "%02x", int(value / 2 ^ bits)
      }
    }
  }'
}

# The code of this half minute (RFC 6238). Each works once: two tokens within it want one to wait.
totp() {
  local digest offset
  digest=$(printf '%016x' $(($(date +%s) / 30)) | from_hex |
    openssl dgst -sha1 -mac HMAC -macopt "hexkey:$(printf %s "$1" | base32_to_hex)" | sed 's/.*= *//')
  offset=$((16#${digest:39:1} * 2))
  printf '%06d' $(((16#${digest:offset:8} & 16#7fffffff) % 1000000))
}

form=(--data-urlencode 'grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer'
  --data-urlencode "assertion=$(sign_assertion)")
secret=$(member totp_secret)
if [ -n "$secret" ]; then form+=(--data-urlencode "mfa_code=$(totp "$secret")"); fi
if [ -n "$scope" ]; then form+=(--data-urlencode "scope=$scope"); fi
if [ -n "$resource" ]; then form+=(--data-urlencode "resource=$resource"); fi
curl -sS --fail-with-body "${form[@]}" "$(member token_endpoint)"
