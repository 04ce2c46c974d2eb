// The program behind the hook commands that the bench starts as processes. It does what Juju's own does, with the same
// library: one call of Go's net/rpc to the agent's socket, and a second one when the command wants its standard input.
// Source: juju/juju cmd/jujuc/main.go.
package main

import (
	"errors"
	"fmt"
	"io"
	"net/rpc"
	"os"
	"path/filepath"
	"time"
)

// delay is how much longer a command shall take than it does by itself, as time.ParseDuration reads it; set by the linker.
var delay = "0s"

const stdinRequired = "hook tool requires stdin, none supplied"

type request struct {
	ContextId   string
	Dir         string
	CommandName string
	Args        []string
	StdinSet    bool
	Stdin       []byte
	Token       string
}

type response struct {
	Code   int
	Stdout []byte
	Stderr []byte
}

func run() (response, error) {
	var reply response
	wait, err := time.ParseDuration(delay)
	if err != nil {
		return reply, err
	}
	time.Sleep(wait)
	dir, err := os.Getwd()
	if err != nil {
		return reply, err
	}
	client, err := rpc.Dial(os.Getenv("JUJU_AGENT_SOCKET_NETWORK"), os.Getenv("JUJU_AGENT_SOCKET_ADDRESS"))
	if err != nil {
		return reply, err
	}
	defer client.Close()
	call := request{
		ContextId:   os.Getenv("JUJU_CONTEXT_ID"),
		Dir:         dir,
		CommandName: filepath.Base(os.Args[0]),
		Args:        os.Args[1:],
	}
	err = client.Call("Jujuc.Main", call, &reply)
	var refusal rpc.ServerError
	if errors.As(err, &refusal) && refusal.Error() == stdinRequired {
		call.StdinSet = true
		if call.Stdin, err = io.ReadAll(os.Stdin); err == nil {
			err = client.Call("Jujuc.Main", call, &reply)
		}
	}
	return reply, err
}

func main() {
	reply, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "ERROR", err)
		os.Exit(1)
	}
	os.Stdout.Write(reply.Stdout)
	os.Stderr.Write(reply.Stderr)
	os.Exit(reply.Code)
}
