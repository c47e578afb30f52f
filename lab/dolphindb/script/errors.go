package script

import (
	"errors"
	"fmt"
	"strings"
)

// failure is an error of a call that was evaluated, with the call's text.
type failure struct{ call, message string }

// message is an error in DolphinDB's words.
type message string

func (m message) Error() string { return string(m) }

func say(format string, args ...any) error {
	if len(args) == 0 {
		return message(format)
	}
	return message(fmt.Sprintf(format, args...))
}

func misused(format string, args ...any) error { return &misuse{fmt.Sprintf(format, args...)} }

// misuse is an operator's error: DolphinDB shows it without the expression.
type misuse struct{ message string }

func (m *misuse) Error() string { return m.message }

func (f *failure) Error() string {
	if f.call == "" {
		return f.message
	}
	return f.call + " => " + f.message
}

// fail names the innermost call that failed.
func fail(src string, err error) error {
	var f *failure
	var m *misuse
	var t *thrown
	if err == nil || errors.As(err, &f) || errors.As(err, &m) || errors.As(err, &t) || errors.Is(err, errSteps) {
		return err
	}
	return &failure{call: oneLine(src), message: err.Error()}
}

// oneLine is a piece of the script as it stands in a message.
func oneLine(src string) string {
	const most = 300
	if len(src) > most {
		src = strings.ToValidUTF8(src[:most], "") + "..."
	}
	return strings.Join(strings.Fields(src), " ")
}

var errSteps = errors.New("the script was stopped: it takes too many steps")
