#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
. "$(dirname "$0")/../integration/lib.sh"
. "$(dirname "$0")/office.sh"
test_begin "The timer of systemd writes the metrics of an instance, node_exporter serves them, Prometheus scrapes \
them, and every alert rule can be evaluated on them."

for program in prometheus prometheus-node-exporter promtool; do
    command -v $program >/dev/null && continue
    skip "Prometheus sees the instance" "$program is not installed"
    test_end
done

${MAKE:-make} -C "$TOP" BUILD="$BUILD" install >"$W/install.log" 2>&1 || exit 1
office_make
opendco enable office >/dev/null
expect "the instance serves" office_serves

folder=/var/lib/prometheus/node-exporter
mkdir -p $folder
systemctl daemon-reload
expect "the timer starts" systemctl start opendco-metrics.timer
expect "the file is written" until_true 5 test -s $folder/opendco.prom
equal "the service had no error" "$(systemctl show -P Result opendco-metrics.service)" success
expect "every process was asked" grep -qx 'opendco_scrape_success 1' $folder/opendco.prom
expect "the instance is named" grep -q 'opendco_active{pid="[0-9]*",unit="openvpn-server@office"} 1' \
    $folder/opendco.prom

rules=/usr/local/share/doc/opendco/prometheus/opendco.rules.yml
cat >"$W/prometheus.yml" <<END
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [$rules]
scrape_configs: [{job_name: node, static_configs: [{targets: ["127.0.0.1:9100"]}]}]
END
prometheus-node-exporter --web.listen-address=127.0.0.1:9100 --collector.disable-defaults \
    --collector.textfile --collector.textfile.directory=$folder >"$W/node.log" 2>&1 &
other_pids+=($!)
prometheus --config.file="$W/prometheus.yml" --storage.tsdb.path="$W/tsdb" \
    --web.listen-address=127.0.0.1:9090 >"$W/prometheus.log" 2>&1 &
other_pids+=($!)

query() { promtool query instant http://127.0.0.1:9090 "$1"; }
# answers EXPRESSION VALUE
answers() { query "$1" | grep -q " => $2 @"; }
expect "Prometheus has the instance" until_true 20 answers 'opendco_active{unit="openvpn-server@office"}' 1

# The states and errors of the rules, as Prometheus tells them
rule_states() {
    python3 -c '
import json, urllib.request
answer = json.load(urllib.request.urlopen("http://127.0.0.1:9090/api/v1/rules"))
for group in answer["data"]["groups"]:
    for rule in group["rules"]:
        print(rule["name"], rule["health"], rule["state"])'
}
all_known() { ! rule_states | grep -q ' unknown '; }
expect "every rule was evaluated" until_true 10 all_known
equal "without an error" "$(rule_states | grep -cv ' ok ')" 0
equal "there are rules" "$(rule_states | wc -l)" "$(grep -c 'alert:' $rules)"
equal "none fires" "$(rule_states | grep -cv ' inactive$')" 0

# offload is off: the alert comes
sed -i '$a disable-dco' /etc/openvpn/server/office.conf
systemctl restart openvpn-server@office
alarmed() { systemctl start opendco-metrics.service; rule_states | grep -q '^OpenDCOInactive ok \(pending\|firing\)'; }
expect "without offload Prometheus raises the alarm" until_true 20 alarmed
test_end
