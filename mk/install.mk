# SPDX-License-Identifier: BSD-2-Clause
#
# The command finds the library beside itself or in ../lib/opendco, so no path is compiled in.
# Distributions set LIBDIR to a folder of their own: cli/library.c knows the usual ones.

LIBDIR ?= $(PREFIX)/lib/opendco
DOCDIR := $(PREFIX)/share/doc/opendco
MANDIR := $(PREFIX)/share/man
UNITDIR := $(PREFIX)/lib/systemd/system

.PHONY: install uninstall
install: all
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(LIBDIR) $(DESTDIR)$(MANDIR)/man8 \
	    $(DESTDIR)$(DOCDIR)/systemd $(DESTDIR)$(DOCDIR)/prometheus $(DESTDIR)$(UNITDIR)
	install -m 755 $(BUILD)/opendco $(DESTDIR)$(PREFIX)/sbin/opendco
	install -m 644 $(BUILD)/libopendco.so $(DESTDIR)$(LIBDIR)/libopendco.so
	install -m 644 $(BUILD)/10-opendco.conf $(DESTDIR)$(LIBDIR)/10-opendco.conf
	sed 's|^\.Os$$|.Os OpenDCO $(VERSION)|' man/opendco.8 >$(DESTDIR)$(MANDIR)/man8/opendco.8
	sed 's|@LIBDIR@|$(LIBDIR)|g' packaging/systemd/10-opendco.conf \
	    >$(DESTDIR)$(DOCDIR)/systemd/10-opendco.conf
	sed 's|@SBINDIR@|$(PREFIX)/sbin|g' packaging/systemd/opendco-metrics.service \
	    >$(DESTDIR)$(UNITDIR)/opendco-metrics.service
	install -m 644 packaging/systemd/opendco-metrics.timer $(DESTDIR)$(UNITDIR)/opendco-metrics.timer
	install -m 644 packaging/prometheus/opendco.rules.yml $(DESTDIR)$(DOCDIR)/prometheus
	install -m 644 README.md LICENSE CHANGELOG.md $(DESTDIR)$(DOCDIR)

# Files of ours, and those folders that hold nothing else.
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/sbin/opendco $(DESTDIR)$(MANDIR)/man8/opendco.8 \
	    $(DESTDIR)$(UNITDIR)/opendco-metrics.service $(DESTDIR)$(UNITDIR)/opendco-metrics.timer
	rm -rf $(DESTDIR)$(LIBDIR) $(DESTDIR)$(DOCDIR)
