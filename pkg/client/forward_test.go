package client_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/create-user/create-user/pkg/client"
	"github.com/create-user/create-user/pkg/event"
)

func TestNewUnsealed_LeavesTheCredentialsToTheTokenVerifier(t *testing.T) {
	t.Parallel()
	s, _, _ := start(t)
	r := registration("signup-1")
	r.Image = strings.Repeat("i", event.InlineImage+1)
	request(t, client.NewUnsealed(s.JS(), "/signup"), r)
	got := decode(t, inbox(t, s)[0])
	if got.Sealed != nil || got.Phone != phone || got.Password != password {
		t.Errorf("sealed: %t, phone and password as given: %t", got.Sealed != nil, got.Phone == phone && got.Password == password)
	}
	if got.Image.Claim == nil {
		t.Error("the large image stands in the request")
	}
}

func TestRefuse_StoresOnlyWhoIsRefused(t *testing.T) {
	t.Parallel()
	s, c, _ := start(t)
	for range 2 { // the same key is the same request
		if err := c.Refuse(t.Context(), registration("signup-1")); err != nil {
			t.Fatal(err)
		}
	}
	all := inbox(t, s)
	if len(all) != 1 || all[0].Header.Get(event.HeaderMsgID) != "signup-1" {
		t.Fatalf("%d requests are stored", len(all))
	}
	for _, part := range []string{phone, password, "739154", "data:image"} {
		if strings.Contains(string(all[0].Data), part) {
			t.Errorf("%q stands in the inbox", part)
		}
	}
	got, err := event.DecodeRequested(all[0].Data)
	if field, ok := errors.AsType[*event.FieldError](err); !ok || got.ID != "ada" || got.Token != "a.b.c" {
		t.Errorf("the receiver reads %q, %q: %v", got.ID, got.Token, field)
	}
}

func TestRequest_TakesARepetitionByItsWordWhenTheKeyIsOfTheID(t *testing.T) {
	t.Parallel()
	s, c, _ := start(t)
	r := registration("signup-1")
	r.KeyOfID = true
	request(t, c, r)
	stream, err := s.JS().Stream(t.Context(), event.StreamRequests)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.DeleteMsg(t.Context(), 1); err != nil { // as if it was handled, and nobody may look
		t.Fatal(err)
	}
	request(t, c, r)
	info, err := stream.Info(t.Context())
	if err != nil || info.State.LastSeq != 1 {
		t.Errorf("%d requests were stored, %v", info.State.LastSeq, err)
	}
}
