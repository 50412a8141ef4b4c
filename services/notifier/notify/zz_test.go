package notify
import ("testing";"time";"context";"github.com/rs/zerolog";"github.com/create-user/create-user/pkg/event";"github.com/create-user/create-user/pkg/saga";"github.com/create-user/create-user/pkg/saga/sagatest")
func TestZ(t *testing.T){
 for _, stop := range []bool{true,false} {
 t.Run("",func(t *testing.T){
 t.Parallel()
 s := sagatest.New(t, event.StepCodeChecker)
 ctx, cancel := context.WithCancel(t.Context())
 ready, done, got := make(chan int,1), make(chan error,1), make(chan uint64,10)
 go func(){ done <- s.Store().Follow(ctx, saga.Follower{Filters: []string{event.SagaEvents("*")}, Logger: zerolog.Nop(), Ready: func(uint64){ready<-1}, Handle: func(_ context.Context, e saga.Stored){got<-e.Sequence}})}()
 <-ready
 s.Append(event.Created{ID:"a"}, s.Key("a"), time.Time{})
 <-got
 s.Stop()
 time.Sleep(38*time.Second)
 b := time.Now()
 if stop { cancel(); <-done; t.Log("stopped in", time.Since(b)); s.Start(); return }
 s.Start()
 s.Append(event.Created{ID:"b"}, s.Key("b"), time.Time{})
 <-got
 t.Log("resumed in", time.Since(b))
 cancel(); <-done
 })}
}
