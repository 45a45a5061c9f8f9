/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/openvpn/options.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Each name with a blank before and after it. */
static const struct {
    enum openvpn_option what;
    const char *names;
} lists[] = {
    /* openvpn checks these itself (dco_check_option() and its neighbours). */
    {OPTION_RULES_OUT,
     " comp-lzo disable-dco fragment http-proxy management-query-proxy secret socks-proxy "},
    /* What openvpn does for each packet or by the use of a key, and the plane does not. */
    {OPTION_LEFT, " client-nat gremlin memstats mtu-test passtos shaper "},
    /* Their arguments, or other options, decide. */
    {OPTION_DEPENDS,
     " allow-compression block-ipv6 compress data-ciphers"
     " data-ciphers-fallback dev dev-node dev-type local ncp-ciphers proto proto-force"
     " remote reneg-bytes reneg-pkts replay-window topology user "},
    /* What the plane does, and what it takes over from the socket or the device. */
    {OPTION_PLANE,
     " allow-recursive-routing bind bind-dev chroot client-to-client config connection float"
     " group inactive iroute iroute-ipv6 keepalive lport mark max-packet-size mssfix mtu-disc"
     " multihome nice nobind persist-tun ping ping-exit ping-restart port rcvbuf rport sndbuf"
     " suppress-timestamps txqueuelen "},
    /* Buffers, warnings and caches of openvpn's own data channel, and what does not go with
     * AEAD ciphers. */
    {OPTION_NEEDLESS,
     " bcast-buffers comp-noadapt fast-io max-routes-per-client mute-replay-warnings"
     " no-replay ping-timer-rem replay-persist stale-routes-check tcp-queue-limit "},
    /* openvpn does this and ends. */
    {OPTION_NO_TUNNEL,
     " genkey help mktun rmtun show-adapters show-ciphers show-curves show-digests"
     " show-engines show-gateway show-groups show-net show-net-up show-pkcs11-ids show-tls"
     " show-valid-subnets test-crypto version "},
    /* Control channel, addresses, routes, scripts, management, files, other systems. */
    {OPTION_OPENVPN,
     " allow-deprecated-insecure-static-crypto allow-nonadmin allow-pull-fqdn askpass auth"
     " auth-gen-token auth-gen-token-secret auth-nocache auth-retry auth-token"
     " auth-token-user auth-user-pass auth-user-pass-optional auth-user-pass-verify"
     " block-outside-dns ca capath ccd-exclusive cd cert cipher client"
     " client-cert-not-required client-config-dir client-connect client-crresponse"
     " client-disconnect compat-mode compat-names connect-freq connect-freq-initial"
     " connect-retry connect-retry-max connect-timeout crl-verify cryptoapicert daemon dh"
     " dhcp-internal dhcp-option dhcp-pre-release dhcp-release dhcp-renew disable"
     " disable-occ dns dns-updown down down-pre duplicate-cn ecdh-curve echo engine"
     " errors-to-stderr explicit-exit-notify extra-certs force-tls-key-material-export"
     " hand-window hash-size http-proxy-option http-proxy-override http-proxy-retry"
     " http-proxy-timeout http-proxy-user-pass ifconfig ifconfig-ipv6 ifconfig-ipv6-pool"
     " ifconfig-ipv6-push ifconfig-noexec ifconfig-nowarn ifconfig-pool"
     " ifconfig-pool-persist ifconfig-push ifconfig-push-constraint ignore-unknown-option"
     " ip-remote-hint ip-win32 ipchange iproute key key-derivation key-direction"
     " keying-material-exporter learn-address link-mtu lladdr log log-append"
     " machine-readable-output management management-client management-client-auth"
     " management-client-group management-client-user management-external-cert"
     " management-external-key management-forget-disconnect management-hold"
     " management-log-cache management-query-passwords management-query-remote"
     " management-signal management-up-down max-clients max-routes mlock mode msg-channel"
     " mtu-dynamic mute no-name-remapping ns-cert-type opt-verify override-username"
     " parameter pause-exit peer-fingerprint peer-id persist-key persist-local-ip"
     " persist-remote-ip pkcs11-cert-private pkcs11-id pkcs11-id-management"
     " pkcs11-pin-cache pkcs11-private-mode pkcs11-protected-authentication"
     " pkcs11-providers pkcs12 plugin port-share preresolve prng protocol-flags providers"
     " pull pull-filter push push-continuation push-peer-info push-remove push-reset"
     " rdns-internal redirect-gateway redirect-private register-dns remap-usr1"
     " remote-cert-eku remote-cert-ku remote-cert-tls remote-random remote-random-hostname"
     " reneg-sec resolv-retry route route-delay route-gateway route-ipv6 route-ipv6-gateway"
     " route-method route-metric route-noexec route-nopull route-pre-down route-table"
     " route-up script-security server server-bridge server-ipv6 server-poll-timeout"
     " service session-timeout setcon setenv setenv-safe single-session socket-flags"
     " socks-proxy-retry static-challenge status status-version syslog tap-sleep"
     " tcp-nodelay tls-auth tls-cert-profile tls-cipher tls-ciphersuites tls-client"
     " tls-crypt tls-crypt-v2 tls-crypt-v2-max-age tls-crypt-v2-verify tls-exit"
     " tls-export-cert tls-groups tls-server tls-timeout tls-verify tls-version-max"
     " tls-version-min tmp-dir tran-window tun-ipv6 tun-mtu tun-mtu-extra tun-mtu-max"
     " udp-mtu up up-delay up-restart use-prediction-resistance username-as-common-name"
     " verb verify-client-cert verify-hash verify-x509-name vlan-accept vlan-pvid"
     " vlan-tagging win-sys windows-driver writepid x509-track x509-username-field "},
};

static bool
has_word(const char *words, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = words; (at = strstr(at, word)) != NULL; at += len)
        if (at[-1] == ' ' && at[len] == ' ')
            return true;
    return false;
}

enum openvpn_option
openvpn_option(const char *name)
{
    if (name[0] == '\0' || strchr(name, ' ') != NULL)
        return OPTION_UNKNOWN;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        if (has_word(lists[i].names, name))
            return lists[i].what;
    return OPTION_UNKNOWN;
}
