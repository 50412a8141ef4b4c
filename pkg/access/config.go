package access

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/create-user/create-user/pkg/event"
)

// export is a subject that a home exports, and to whom.
type export struct {
	kind, subject string // kind: service or stream
	many          bool
	accounts      []string
}

// WriteConfig writes the accounts block of a NATS server's configuration. The
// peers' public nkeys are variables, see [Peer.KeyVariable].
func WriteConfig(w io.Writer, peers []Peer) error {
	var b strings.Builder
	b.WriteString("# Who may do what on NATS, from the saga's path. Made by \"createuser nats-config\": do not edit.\n")
	b.WriteString("\n# The public nkeys, as \"createuser secrets\" made them.\ninclude \"secrets/nkeys.conf\"\n\naccounts {\n")
	for _, home := range Homes() {
		writeHome(&b, home, exports(home, peers))
	}
	for _, p := range peers {
		writePeer(&b, p, presences(p, peers))
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// exports collects what a home exports, sorted by subject.
func exports(home string, peers []Peer) []export {
	var all []export
	add := func(e export, account string) {
		at := slices.IndexFunc(all, func(o export) bool { return o.kind == e.kind && o.subject == e.subject })
		if at < 0 {
			at = len(all)
			all = append(all, e)
		}
		all[at].accounts = append(all[at].accounts, account)
	}
	for _, p := range peers {
		for _, g := range p.Grants {
			if g.Home == home {
				add(export{kind: "service", subject: g.Subject, many: g.Many}, p.Account())
			}
		}
		if slices.Contains(p.Delivered, home) {
			add(export{kind: "stream", subject: p.Inbox + ".>"}, p.Account())
		}
	}
	slices.SortFunc(all, func(a, b export) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.subject, b.subject))
	})
	return all
}

func writeHome(b *strings.Builder, home string, list []export) {
	fmt.Fprintf(b, "  %s {\n    jetstream: enabled\n    exports: [\n", home)
	for _, e := range list {
		many := ""
		if e.many {
			many = ", response_type: stream"
		}
		fmt.Fprintf(b, "      {%s: %q%s, accounts: [%s]}\n", e.kind, e.subject, many, strings.Join(e.accounts, ", "))
	}
	b.WriteString("    ]\n  }\n")
}

// presences returns whose presence p may hear: the console, that of all others.
func presences(p Peer, peers []Peer) []Peer {
	if p.Name != Console {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(peers), func(o Peer) bool { return o.Presence == "" || o.Name == Console })
}

func writePeer(b *strings.Builder, p Peer, heard []Peer) {
	fmt.Fprintf(b, "  %s {\n", p.Account())
	if p.Presence != "" && p.Name != Console {
		fmt.Fprintf(b, "    exports: [{stream: %q, accounts: [%s]}]\n", p.Presence, Peer{Name: Console}.Account())
	}
	b.WriteString("    imports: [\n")
	for _, o := range heard {
		fmt.Fprintf(b, "      {stream: {account: %s, subject: %q}}\n", o.Account(), o.Presence)
	}
	for _, g := range p.Grants {
		to := ""
		if local := g.Local(); local != g.Subject {
			to = fmt.Sprintf(", to: %q", local)
		}
		fmt.Fprintf(b, "      {service: {account: %s, subject: %q}%s}\n", g.Home, g.Subject, to)
	}
	for _, home := range p.Delivered {
		fmt.Fprintf(b, "      {stream: {account: %s, subject: %q}}\n", home, p.Inbox+".>")
	}
	fmt.Fprintf(b, "    ]\n    users: [{\n      nkey: $%s\n      permissions: {\n        publish: {\n          allow: [\n", p.KeyVariable())
	for _, g := range p.Grants {
		fmt.Fprintf(b, "            %q\n", g.Local())
	}
	if p.Presence != "" {
		fmt.Fprintf(b, "            %q\n", p.Presence)
	}
	b.WriteString("          ]\n")
	if len(p.Denied) > 0 {
		b.WriteString("          deny: [\n")
		for _, subject := range p.Denied {
			fmt.Fprintf(b, "            %q\n", subject)
		}
		b.WriteString("          ]\n")
	}
	listens := fmt.Sprintf("%q", p.Inbox+".>")
	if len(heard) > 0 {
		listens += fmt.Sprintf(", %q", event.PresenceSubject("*"))
	}
	fmt.Fprintf(b, "        }\n        subscribe: [%s]\n      }\n    }]\n  }\n", listens)
}
