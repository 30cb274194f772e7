------------------------------- MODULE Start -------------------------------
\* Idempotent start: the state, the run record and the request key in one transaction, about
\* a store whose answers get lost or come late, for clients that ask again. Beside each
\* action stands the code that it is. `Flaw` plants a fault; "none" is the protocol as built.
EXTENDS Naturals, FiniteSets, TLC

CONSTANTS
    Same,       \* clients that send one request with one key
    Other,      \* clients that send another request with that key
    Keyless,    \* clients that send no key
    Disturbs,   \* how often somebody else writes the state
    FaultsMax,  \* how many faults happen
    Flaw

VARIABLES
    handler,   \* of each request: where its handler is
    flight,    \* transactions that the store may apply yet
    rev,       \* the state's revision
    runs,      \* the runs in the state and their records: number, and the request that started it
    key,       \* the key's record: nothing, or the run and the request that stored it
    told,      \* what each client knows: nothing, a run, or that the key is used
    asking,    \* of each client: how many times it has asked
    disturbed, faults
vars == <<handler, flight, rev, runs, key, told, asking, disturbed, faults>>

Clients == Same \cup Other \cup Keyless
TriesMax == FaultsMax + 1
Requests == Clients \X (1..TriesMax)
HasKey(h) == h[1] \notin Keyless
Body(client) == IF client \in Other THEN "other" ELSE "same"

Idle == [pc |-> "idle", from |-> 0]
Init ==
    /\ handler = [h \in Requests |-> Idle]
    /\ flight = {} /\ rev = 0 /\ runs = {} /\ key = {}
    /\ told = [c \in Clients |-> {}] /\ asking = [c \in Clients |-> 0]
    /\ disturbed = 0 /\ faults = 0

Fault == faults < FaultsMax /\ faults' = faults + 1
NoFault == UNCHANGED faults
store == <<rev, runs, key>>
Goes(h, pc) == handler' = [handler EXCEPT ![h].pc = pc]
Ended(h) == [handler EXCEPT ![h] = [Idle EXCEPT !.pc = "over"]]

\* A client asks, and asks again when it was told nothing.
Send(c) ==
    /\ told[c] = {} /\ asking[c] < TriesMax
    /\ asking[c] > 0 => handler[<<c, asking[c]>>].pc = "failed"
    /\ asking' = [asking EXCEPT ![c] = @ + 1]
    /\ handler' = [handler EXCEPT ![<<c, asking[c] + 1>>].pc =
           IF HasKey(<<c, 1>>) THEN "read key" ELSE "read state"]
    /\ NoFault /\ UNCHANGED <<flight, store, told, disturbed>>

\* It does not wait any longer, or its handler dies; what is in flight may arrive.
GiveUp(h) ==
    /\ handler[h].pc \notin {"idle", "over", "failed"}
    /\ handler' = [handler EXCEPT ![h] = [Idle EXCEPT !.pc = "failed"]]
    /\ Fault /\ UNCHANGED <<flight, store, told, asking, disturbed>>

\* flows/start/replay.rs: the first answer again, unless the request is another one.
Replay(h, record) ==
    LET isOther == Body(record[2][1]) # Body(h[1]) /\ Flaw # "the requests are not compared"
    IN  /\ told' = [told EXCEPT ![h[1]] = IF isOther THEN {<<"used">>} ELSE {<<"run", record[1]>>}]
        /\ handler' = Ended(h)

\* flows/start.rs::start, Starts::started.
ReadKey(h) ==
    /\ handler[h].pc = "read key"
    /\ IF key = {} THEN Goes(h, "read state") /\ UNCHANGED told
       ELSE \E record \in key : Replay(h, record)
    /\ NoFault /\ UNCHANGED <<flight, store, asking, disturbed>>

NewRun == Cardinality(runs) + 1

\* flows/start.rs::start, States::load; core/start.rs::start_run; and the transaction leaves.
\* A transaction says what was read, so one that comes late is refused.
Decide(h) ==
    /\ handler[h].pc = "read state"
    /\ handler' = [handler EXCEPT ![h] = [pc |-> "sent", from |-> rev]]
    /\ flight' = flight \cup {<<h, rev, NewRun>>}
    /\ IF Flaw = "the key is stored first" /\ HasKey(h) /\ key = {}
       THEN key' = {<<NewRun, h>>} ELSE UNCHANGED key
    /\ NoFault /\ UNCHANGED <<rev, runs, told, asking, disturbed>>

KeyIsFree(h) ==
    \/ key = {} \/ ~HasKey(h)
    \/ Flaw \in {"the key is only read", "the key is stored after the effect"}
    \/ Flaw = "the key is stored first" /\ \E record \in key : record[2] = h

\* ledger/starts.rs::commit_start at the store: all three, or none. The handler hears of it
\* in `HearStored`, or does not.
Store(tx) ==
    LET h == tx[1]
        run == <<tx[3], h>>
        isGood == (tx[2] = rev \/ Flaw = "the revision is not compared") /\ KeyIsFree(h)
    IN  /\ flight' = flight \ {tx}
        /\ IF isGood
           THEN /\ rev' = rev + 1 /\ runs' = runs \cup {run}
                /\ key' = IF HasKey(h) /\ Flaw # "the key is stored after the effect"
                          THEN {run} ELSE key
           ELSE UNCHANGED store
        /\ Goes(h, IF handler[h].pc # "sent" \/ handler[h].from # tx[2] THEN handler[h].pc
                   ELSE IF isGood THEN "applied" ELSE "refused")
        /\ NoFault /\ UNCHANGED <<told, asking, disturbed>>
StoreAny == \E tx \in flight : Store(tx)

\* A request to the store that never gets there.
LoseOnTheWay ==
    /\ \E tx \in flight : flight' = flight \ {tx}
    /\ Fault /\ UNCHANGED <<handler, store, told, asking, disturbed>>

\* The transaction is applied: the client is told the run.
Applied(h) ==
    \E run \in runs :
        /\ run[2] = h
        /\ told' = [told EXCEPT ![h[1]] = {<<"run", run[1]>>}]
        /\ handler' = Ended(h)
\* Only with a flaw is the key a write of its own, after the effect.
HearStored(h) ==
    /\ handler[h].pc = "applied"
    /\ IF Flaw # "the key is stored after the effect" \/ ~HasKey(h) THEN Applied(h) /\ UNCHANGED key
       ELSE IF key # {} THEN UNCHANGED key /\ \E record \in key : Replay(h, record)
       ELSE key' = {run \in runs : run[2] = h} /\ Applied(h)
    /\ NoFault /\ UNCHANGED <<flight, rev, runs, asking, disturbed>>

\* ledger/starts.rs::read_refusal: first the key, then the newer state.
HearRefused(h) ==
    /\ handler[h].pc = "refused"
    /\ IF HasKey(h) /\ key # {}
       THEN \E record \in key :
           IF record[2] = h /\ Flaw = "the key is stored first"
           THEN Goes(h, "read state") /\ UNCHANGED told ELSE Replay(h, record)
       ELSE Goes(h, "read state") /\ UNCHANGED told
    /\ NoFault /\ UNCHANGED <<flight, store, asking, disturbed>>

\* No clear answer of the store, because it got lost, or comes late, or the request did.
HearNothing(h) ==
    /\ \/ handler[h].pc \in {"sent", "applied", "refused"} /\ Fault
       \/ /\ handler[h].pc = "sent" /\ (\A tx \in flight : tx[1] # h) /\ NoFault
          /\ Flaw # "the store is waited for without end"
    /\ Goes(h, "unclear")
    /\ UNCHANGED <<flight, store, told, asking, disturbed>>

\* ledger/starts.rs::look_for_start: our own key or run record means applied; another's key
\* is an answer; a newer state means that ours can never be applied; the same state means
\* nothing, for the write may still arrive.
LookForStart(h) ==
    LET isOurs == (\E run \in runs : run[2] = h) /\ Flaw # "our own write is not recognised"
    IN  /\ handler[h].pc = "unclear"
        /\ IF isOurs THEN Applied(h)
           ELSE IF HasKey(h) /\ key # {} THEN \E record \in key : Replay(h, record)
           ELSE IF rev # handler[h].from THEN Goes(h, "read state") /\ UNCHANGED told
           ELSE handler' = [handler EXCEPT ![h] = [Idle EXCEPT !.pc = "failed"]] /\ UNCHANGED told
        /\ NoFault /\ UNCHANGED <<flight, store, asking, disturbed>>

\* Another start, a stop, a fill.
Disturb ==
    /\ disturbed < Disturbs /\ disturbed' = disturbed + 1
    /\ rev' = rev + 1
    /\ NoFault /\ UNCHANGED <<handler, flight, runs, key, told, asking>>

Rest == (\A c \in Clients : told[c] # {}) /\ UNCHANGED vars

Next ==
    \/ \E c \in Clients : Send(c)
    \/ \E h \in Requests :
        \/ GiveUp(h) \/ ReadKey(h) \/ Decide(h)
        \/ HearStored(h) \/ HearRefused(h) \/ HearNothing(h) \/ LookForStart(h)
    \/ StoreAny \/ LoseOnTheWay \/ Disturb \/ Rest

Work(h) ==
    \/ ReadKey(h) \/ Decide(h)
    \/ HearStored(h) \/ HearRefused(h) \/ HearNothing(h) \/ LookForStart(h)
Spec == Init /\ [][Next]_vars
FairSpec ==
    /\ Spec
    /\ \A c \in Clients : WF_vars(Send(c))
    /\ \A h \in Requests : WF_vars(Work(h))
    /\ WF_vars(StoreAny)

\* All requests with the key together start one run; each request without one, one.
StartsOnce ==
    \A a, b \in runs : a # b => a[2] # b[2] /\ ~(HasKey(a[2]) /\ HasKey(b[2]))
NumbersAreUnique == \A a, b \in runs : a # b => a[1] # b[1]
\* The run that a client is told was started, by its own request or for its key.
AnswersAreTrue ==
    \A c \in Clients : \A answer \in told[c] :
        answer[1] = "run" => \E run \in runs :
            /\ run[1] = answer[2]
            /\ IF c \in Keyless THEN run[2][1] = c
               ELSE HasKey(run[2]) /\ Body(run[2][1]) = Body(c)
EveryClientIsTold == <>(\A c \in Clients : told[c] # {})
=============================================================================
