package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/create-user/create-user/pkg/deadletter"
	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/service"
)

type dlqCommand struct {
	List    dlqListCommand    `cmd:"" help:"List dead letters."`
	Show    dlqShowCommand    `cmd:"" help:"Show one dead letter, with its errors and its message, secrets masked."`
	Replay  dlqReplayCommand  `cmd:"" help:"Begin a new attempt with the message of one or many dead letters."`
	Discard dlqDiscardCommand `cmd:"" help:"Delete one or many dead letters for good."`
}

// letterFilter chooses dead letters.
type letterFilter struct {
	Step   string        `help:"Only those of this step."`
	Saga   string        `help:"Only those of this saga."`
	User   string        `help:"Only those of this Id."`
	Reason string        `enum:",poison,panic,delivery_limit" default:"" help:"Only those with this reason: poison, panic or delivery_limit."`
	Error  string        `help:"Only those with this text in an error."`
	Newer  time.Duration `help:"Only those that died less than this long ago."`
	Older  time.Duration `help:"Only those that died longer ago than this."`
}

// matches reports whether the filter lets l through.
func (f letterFilter) matches(l deadletter.Letter, now time.Time) bool {
	filter := deadletter.Filter{
		Step: f.Step, Saga: f.Saga, Reason: event.Reason(f.Reason), Error: f.Error, Newer: f.Newer, Older: f.Older,
	}
	if f.User != "" {
		filter.User = event.UserHash(f.User)
	}
	return filter.Matches(l, now)
}

// set reports whether the filter says anything.
func (f letterFilter) set() bool { return f != letterFilter{} }

func (f letterFilter) validate() error {
	if f.Newer < 0 || f.Older < 0 {
		return errors.New("--newer, --older: want a duration above 0")
	}
	return nil
}

type dlqListCommand struct{ letterFilter }

// Run lists the dead letters that match.
func (c dlqListCommand) Run(ctx context.Context, t *tool) error {
	if err := c.validate(); err != nil {
		return err
	}
	return t.withLetters(ctx, func(box *deadletter.Box) error {
		n, now := 0, time.Now()
		err := box.Each(ctx, func(l deadletter.Letter) error {
			if !c.matches(l, now) {
				return nil
			}
			n++
			return t.printf("%6d  %s  %-15s %-15s saga %-24s %s\n", l.Number, l.Died.Format(time.RFC3339), l.Step, l.Reason, l.Saga, firstLine(l.Errors))
		})
		return errors.Join(err, t.printf("%d dead letters\n", n))
	})
}

func firstLine(errs []string) string {
	if len(errs) == 0 {
		return ""
	}
	line, _, _ := strings.Cut(errs[0], "\n")
	return line
}

type dlqShowCommand struct {
	Number uint64 `arg:"" help:"The dead letter's number, as list shows it."`
}

// Run shows one dead letter.
func (c dlqShowCommand) Run(ctx context.Context, t *tool) error {
	return t.withLetters(ctx, func(box *deadletter.Box) error {
		l, err := box.Get(ctx, c.Number)
		if err != nil {
			return err
		}
		if err := t.printf("dead letter %d\n  step        %s\n  reason      %s\n  saga        %s%s\n  user        %s (hash of the Id)\n  event       %s (%s)\n  stored      %s, sequence %d of %s\n  died        %s after %d deliveries\n  errors:\n    %s\n",
			l.Number, l.Step, l.Reason, l.Saga, replayOf(l), l.User, l.Subject, l.EventID, l.Stored.Format(time.RFC3339Nano), l.Sequence, l.Stream,
			l.Died.Format(time.RFC3339Nano), l.Deliveries, strings.ReplaceAll(strings.Join(l.Errors, "\n"), "\n", "\n    ")); err != nil {
			return err
		}
		return t.showMessage(l)
	})
}

// replayOf names the saga that a letter's saga was a new attempt at.
func replayOf(l deadletter.Letter) string {
	if l.ReplayOf == "" {
		return ""
	}
	return fmt.Sprintf(", a new attempt at %s (createuser dlq list --saga %s)", l.ReplayOf, l.ReplayOf)
}

// showMessage prints the message of a dead letter, when the key is at hand.
func (t *tool) showMessage(l deadletter.Letter) error {
	opener, err := t.letterOpener()
	if err != nil {
		return t.printf("  message     sealed (%v)\n", err)
	}
	original, err := deadletter.Original(l, opener)
	if err != nil {
		return t.printf("  message     sealed (%v)\n", namingKey(err))
	}
	return t.printf("  message     %s\n", event.Masked(original.Data))
}

// letterChoice is which dead letters an action is for.
type letterChoice struct {
	Numbers []uint64 `arg:"" optional:"" help:"Numbers of dead letters; or choose by flags."`
	letterFilter
	All    bool `help:"All of them."`
	DryRun bool `help:"Only say what would be done."`
}

func (c letterChoice) validate() error {
	byFlags := c.set() || c.All
	switch {
	case len(c.Numbers) == 0 && !byFlags:
		return errors.New("which ones? Give numbers, or --step, --reason…, or --all")
	case len(c.Numbers) > 0 && byFlags:
		return errors.New("give either numbers, or --step, --reason…, not both")
	}
	return c.letterFilter.validate()
}

// each calls do for every chosen dead letter, goes on after an error, and
// returns all errors.
func (c letterChoice) each(ctx context.Context, t *tool, do func(*deadletter.Box, deadletter.Letter) error) error {
	if err := c.validate(); err != nil {
		return err
	}
	return t.withLetters(ctx, func(box *deadletter.Box) error {
		letters, err := c.chosen(ctx, box)
		all := []error{err}
		for _, l := range letters {
			if ctx.Err() != nil {
				return errors.Join(append(all, ctx.Err())...)
			}
			all = append(all, do(box, l))
		}
		return errors.Join(all...)
	})
}

func (c letterChoice) chosen(ctx context.Context, box *deadletter.Box) ([]deadletter.Letter, error) {
	var letters []deadletter.Letter
	if len(c.Numbers) > 0 {
		var all []error
		for _, n := range c.Numbers {
			l, err := box.Get(ctx, n)
			if all = append(all, err); err == nil {
				letters = append(letters, l)
			}
		}
		return letters, errors.Join(all...)
	}
	now := time.Now()
	err := box.Each(ctx, func(l deadletter.Letter) error {
		if c.matches(l, now) {
			letters = append(letters, l)
		}
		return nil
	})
	return letters, err
}

type dlqReplayCommand struct {
	letterChoice
	Deadline time.Duration `default:"2m" help:"Time for the new attempt."`
	Again    bool          `help:"Replay also what was replayed before."`
}

// Run begins new attempts.
func (c dlqReplayCommand) Run(ctx context.Context, t *tool) error {
	if c.Deadline <= 0 {
		return errors.New("--deadline: want a duration above 0")
	}
	opener, err := t.letterOpener()
	if err != nil {
		return err
	}
	return c.each(ctx, t, func(box *deadletter.Box, l deadletter.Letter) error {
		k, err := box.Attempt(ctx, l)
		if err != nil {
			return err
		}
		if before := event.PreviousAttempt(k.Saga); before != l.Saga && !c.Again {
			return t.printf("passed over %d: replayed before, as saga %s (--again replays it once more)\n", l.Number, before)
		}
		if _, err := deadletter.Check(l, opener); err != nil {
			return namingKey(err)
		}
		if c.DryRun {
			return t.printf("would replay %d from %s as saga %s\n", l.Number, l.Step, k.Saga)
		}
		saga, err := box.Replay(ctx, l, opener, time.Now().Add(c.Deadline))
		if err != nil {
			return err
		}
		return t.printf("replayed %d from %s as saga %s\n", l.Number, l.Step, saga)
	})
}

// namingKey names the setting when a dead letter cannot be opened.
func namingKey(err error) error {
	if errors.Is(err, event.ErrUnknownKey) || errors.Is(err, event.ErrNotSealed) {
		return fmt.Errorf("%w: is it another DEAD_LETTER_PRIVATE_KEY?", err)
	}
	return err
}

type dlqDiscardCommand struct{ letterChoice }

// Run deletes dead letters.
func (c dlqDiscardCommand) Run(ctx context.Context, t *tool) error {
	return c.each(ctx, t, func(box *deadletter.Box, l deadletter.Letter) error {
		if c.DryRun {
			return t.printf("would discard %d (saga %s)\n", l.Number, l.Saga)
		}
		if err := box.Discard(ctx, l.Number); err != nil {
			return err
		}
		return t.printf("discarded %d (saga %s)\n", l.Number, l.Saga)
	})
}

func (t *tool) withLetters(ctx context.Context, do func(*deadletter.Box) error) error {
	js, closeNATS, err := t.nats(ctx)
	if err != nil {
		return err
	}
	defer closeNATS()
	return do(deadletter.Open(js).By(operator()))
}

// operator names who uses the tool, for audit events: their account and machine.
func operator() string {
	name := "somebody"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		return name
	}
	return name + "@" + host
}

// letterSettings is what opens dead letters.
type letterSettings struct {
	PrivateKey string `env:"DEAD_LETTER_PRIVATE_KEY" secret:"true" help:"key that opens dead letters"`
}

func (t *tool) letterOpener() (*event.Opener, error) {
	settings, err := service.Load[letterSettings](t.vars)
	if err != nil {
		return nil, err
	}
	if settings.PrivateKey == "" {
		return nil, errors.New("DEAD_LETTER_PRIVATE_KEY is not set: it opens dead letters (createuser keygen dead-letter)")
	}
	keys, err := event.ParsePrivateKeys(settings.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("DEAD_LETTER_PRIVATE_KEY: %w", err)
	}
	return event.NewOpener(keys...), nil
}
