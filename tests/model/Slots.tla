------------------------------- MODULE Slots -------------------------------
\* The slot protocol: one item per business, decided by workers that crash and pause,
\* about a carrier that answers late, unclearly or not at all. Beside each action stands
\* the code that it is. `Flaw` plants a fault; "none" is the protocol as built.
EXTENDS Naturals, Sequences, FiniteSets, TLC

CONSTANTS
    Sizes,          \* how many leads each run has; runs are numbered from 1
    Directs,        \* the direct calls that somebody may ask for
    TwoBusinesses,  \* run r is business r's; otherwise all is business 1's
    SameNumbers,    \* leads with the same index, of whatever run, have one number
    Limit,          \* how many slots a business has at first
    Limits,         \* what the limit may be set to, once
    Stoppable,      \* the runs that somebody may stop
    Stops,          \* how: "stopped", "hanging up"
    Workers,
    Faults,         \* the kinds of faults that happen
    FaultsMax,      \* how many of them
    Readings,       \* a worker's reading and its write are two steps; otherwise one
    WakeUps,        \* wake-ups are followed one by one; otherwise somebody may look at any time
    Endless,        \* the businesses whose calls need not end
    Flaw

VARIABLES
    item,      \* of each business: the state item
    worker,    \* of each worker: what it has read and has in hand
    tries,     \* of each job: how many call ids were minted for it
    pending,   \* requests without an answer that the carrier may still take
    made,      \* of each job: how many calls the carrier accepted
    live,      \* the calls under way, by call id and number of the create
    reports,   \* final reports that are not acknowledged, by call id and copy
    woken,     \* the businesses that a wake-up names
    record,    \* of each run: how it ended, once that is filed
    known,     \* the leased calls whose SID is recorded
    stopped,   \* the runs whose stop is committed
    asked,     \* the direct calls that somebody has asked for
    resets,    \* how often the limit was set
    ceiling,   \* of each business: the limit at its newest claim
    faults
vars == <<item, worker, tries, pending, made, live, reports, woken, record, known,
          stopped, asked, resets, ceiling, faults>>
carrier == <<pending, made, live>>
clients == <<stopped, asked, resets>>
records == <<record, known>>

\* The worlds of the configurations.
Two == <<2>>
Three == <<3>>
OneOne == <<1, 1>>
TwoOne == <<2, 1>>
Same == Permutations(Workers)

Runs == 1..Len(Sizes)
Businesses == IF TwoBusinesses THEN Runs ELSE {1}
Jobs == UNION {{<<r, i>> : i \in 1..Sizes[r]} : r \in Runs} \cup {<<0, d>> : d \in Directs}
Business(c) == IF TwoBusinesses /\ c[1] > 0 THEN c[1] ELSE 1
RunsOf(b) == {r \in Runs : Business(<<r>>) = b}
Job(c) == <<c[1], c[2]>>
Number(c) == IF SameNumbers THEN c[2] ELSE Job(c)

Fault(kind) == kind \in Faults /\ faults < FaultsMax /\ faults' = faults + 1
NoFault == UNCHANGED faults
Wake(b) == woken' = IF WakeUps THEN woken \cup {b} ELSE woken

(***************************************************************************)
(* What core decides, on one item.                                         *)
(***************************************************************************)

Leases(s, r) == {c \in s.active : c[1] = r}
IsOver(s, r) == s.runs[r].phase # "gone" /\ s.runs[r].waiting = {} /\ Leases(s, r) = {}

\* core/state.rs::cancel_queued. Without leads that wait, nothing of a run can be claimed.
Cancel(run, phase) ==
    IF Flaw = "handed over to a stopped run" THEN [run EXCEPT !.phase = phase]
    ELSE [run EXCEPT !.waiting = {}, !.canceled = @ + Cardinality(run.waiting),
                 !.phase = phase]

\* core/state.rs::slots_in_use: the leases are counted, nothing else.
Used(s) == CASE Flaw = "a counter" -> s.count
             [] Flaw = "direct calls are not counted" -> Cardinality({c \in s.active : c[1] > 0})
             [] Flaw = "one limit for all" -> Cardinality(UNION {item[b].active : b \in Businesses})
             [] OTHER -> Cardinality(s.active)
Room(s) == IF Flaw = "the limit from a cache" THEN Limit ELSE s.limit

Lose(n) == IF n > 0 THEN n - 1 ELSE 0

\* core/fill/apply.rs::end. By identity: a second end finds nothing.
End(s, c) ==
    IF c \notin s.active
    THEN CASE Flaw = "a counter" -> [s EXCEPT !.count = Lose(@)]
           [] Flaw = "a second end counts" /\ c[1] > 0 /\ s.runs[c[1]].phase # "gone" ->
                  [s EXCEPT !.runs[c[1]].ended = @ + 1]
           [] OTHER -> s
    ELSE [s EXCEPT !.active = @ \ {c}, !.missed = @ \ {c}, !.count = Lose(@),
                   !.runs = IF c[1] = 0 THEN @ ELSE [@ EXCEPT ![c[1]].ended = @ + 1]]

\* core/fill/apply.rs::give_back. In a run that is not running any more the lead is canceled.
GiveBack(s, c) ==
    IF c \notin s.active THEN s
    ELSE LET freed == [s EXCEPT !.active = @ \ {c}, !.missed = @ \ {c}, !.count = Lose(@)]
             waits == s.runs[c[1]].phase = "running" \/ Flaw = "given back to a stopped run"
         IN  IF c[1] = 0 THEN freed
             ELSE IF waits THEN [freed EXCEPT !.runs[c[1]].waiting = @ \cup {c[2]}]
             ELSE [freed EXCEPT !.runs[c[1]].canceled = @ + 1]

\* core/fill/apply.rs, ConfigurationRefused.
FailRun(s, c) ==
    IF c \notin s.active THEN s
    ELSE LET freed == End(s, c)
         IN  IF c[1] = 0 \/ s.runs[c[1]].phase # "running" THEN freed
             ELSE [freed EXCEPT !.runs[c[1]] = Cancel(@, "failed")]

\* core/fill/apply.rs, NotFound. The first is only remembered; a second, asked half a sweep
\* after the first was counted, is believed. An answer to an earlier question is none.
Miss(s, c, isSecond) ==
    IF c \notin s.active THEN s
    ELSE IF c \notin s.missed /\ Flaw # "one stale answer is believed"
         THEN [s EXCEPT !.missed = @ \cup {c}]
    ELSE IF isSecond \/ Flaw \in {"one stale answer is believed", "an old answer is believed"}
         THEN End(s, c)
    ELSE s

Apply(s, fact) ==
    LET kind == fact[1]
        c == fact[2]
    IN  CASE kind = "ended" -> End(s, c)
          [] kind = "configuration refused" -> FailRun(s, c)
          [] kind = "not processed" -> GiveBack(s, c)
          [] kind = "still live" -> [s EXCEPT !.missed = @ \ {c}]
          [] kind = "not found" -> Miss(s, c, FALSE)
          [] kind = "not found again" -> Miss(s, c, TRUE)
          [] kind = "filed" -> [s EXCEPT !.runs[c[1]] =
                 [waiting |-> {}, ended |-> 0, canceled |-> 0, phase |-> "gone"]]

RECURSIVE ApplyAll(_, _)
ApplyAll(s, facts) ==
    IF facts = {} THEN s
    ELSE LET fact == CHOOSE f \in facts : TRUE IN ApplyAll(Apply(s, fact), facts \ {fact})

\* core/fill/claims.rs. The leads of a run that could be called now; the first is next.
Callable(s, r) ==
    LET busy == {Number(c) : c \in s.active}
    IN  {i \in s.runs[r].waiting :
            Number(<<r, i>>) \notin busy \/ Flaw = "numbers are not compared"}
First(indexes) == CHOOSE i \in indexes : \A j \in indexes : i <= j

\* core/fill/claims.rs::turn. The fewest live calls first; the tie-break by what each
\* was served is left open.
Turn(s, b) ==
    LET able == {r \in RunsOf(b) : Callable(s, r) # {}}
        least == {Cardinality(Leases(s, r)) : r \in able}
    IN  {r \in able : \A n \in least : Cardinality(Leases(s, r)) <= n}

Lease(s, job) ==
    [s EXCEPT !.active = @ \cup {Append(job, tries[job] + 1)}, !.count = @ + 1]

\* core/fill/claims.rs::claim_free_slots: every way to give all free slots away.
RECURSIVE Filled(_, _)
Filled(s, b) ==
    IF Used(s) >= Room(s) \/ Turn(s, b) = {} THEN {s}
    ELSE UNION {LET i == First(Callable(s, r))
                IN  Filled([Lease(s, <<r, i>>) EXCEPT !.runs[r].waiting = @ \ {i}], b)
                : r \in Turn(s, b)}

\* Only with a flaw: whoever reads that a run is stopped cancels its leads.
SeeStops(s, runs) ==
    [s EXCEPT !.runs = [r \in DOMAIN @ |->
        IF r \in runs /\ @[r].phase = "running" THEN Cancel(@[r], "stopped") ELSE @[r]]]

DropOver(s) ==
    IF Flaw # "dropped before it is filed" THEN s
    ELSE [s EXCEPT !.runs = [r \in DOMAIN @ |->
        IF IsOver(s, r) THEN [@[r] EXCEPT !.phase = "gone"] ELSE @[r]]]

(***************************************************************************)
(* The workers.                                                            *)
(***************************************************************************)

\* What a worker is at ("decide" before a write, "act" with claims in hand); the direct call
\* that it is for; its reading; whether it may ask the carrier yet; what it knows, and what
\* it has to place. `late` and `stops` are for flaws: claims whose fence has passed, and
\* the stops that were read in another item.
Idle == [pc |-> "idle", business |-> 0, wish |-> 0, seen |-> {}, asks |-> FALSE,
         facts |-> {}, hand |-> {}, late |-> {}, message |-> {}, stops |-> {}]

Init ==
    /\ item = [b \in Businesses |->
           [limit |-> Limit, active |-> {}, missed |-> {}, count |-> 0,
            runs |-> [r \in RunsOf(b) |->
                [waiting |-> 1..Sizes[r], ended |-> 0, canceled |-> 0, phase |-> "running"]]]]
    /\ worker = [w \in Workers |-> Idle]
    /\ tries = [j \in Jobs |-> 0]
    /\ pending = {} /\ made = [j \in Jobs |-> 0] /\ live = {}
    /\ reports = {} /\ woken = IF WakeUps THEN Businesses ELSE {}
    /\ record = [r \in Runs |-> <<>>] /\ known = {}
    /\ stopped = {} /\ asked = {} /\ resets = 0
    /\ ceiling = [b \in Businesses |-> Limit] /\ faults = 0

IsLive(c) == \E call \in live : call[1] = c
WasMade(c) == made[Job(c)] > 0 /\ c[3] = tries[Job(c)]
ToHangUp(s) ==
    {c \in s.active \cap known : c[1] > 0 /\ s.runs[c[1]].phase = "hanging up" /\ IsLive(c)}
Over(s) == {r \in DOMAIN s.runs : IsOver(s, r)}

\* core/timing.rs: when a silent call is first asked about, nobody can dial for it any
\* more. When that is, is open.
MayDial(c) == c \in pending \/ \E w \in Workers : c \in worker[w].hand \ worker[w].late
Askable(s) == {c \in s.active : ~MayDial(c) \/ Flaw = "no fence"} \cup ToHangUp(s)

\* A question to which the answer changes nothing need not be asked.
IsTelling(s, c) == \/ ~IsLive(c) \/ c \in s.missed \cup ToHangUp(s) \/ c \notin known
                   \/ Flaw = "a clock frees"
\* What the carrier says may be old: it may miss a call for a while, but not in two questions
\* of which the second is asked half a sweep after the first was counted.
CanBeStale(s, c) == WasMade(c) /\ c \notin s.missed \cup ToHangUp(s)
ToAsk(s) == {c \in Askable(s) : IsTelling(s, c)}

HasRoom(b) == Used(item[b]) < Room(item[b]) /\ Turn(item[b], b) # {}
HasWork(b) == HasRoom(b) \/ ToAsk(item[b]) # {} \/ Over(item[b]) # {}

Looking(b) == [Idle EXCEPT !.pc = "decide", !.business = b, !.asks = TRUE, !.stops = stopped,
                           !.seen = IF Readings THEN {item[b]} ELSE {}]
Reading(w) == IF Readings THEN worker[w].seen ELSE {item[worker[w].business]}

\* What a worker does next: place what it has in hand, decide on what it knows, or rest.
Goes(w, next) ==
    LET isDone == next.hand = {} /\ next.facts = {}
    IN  /\ worker' = [worker EXCEPT ![w] =
               IF isDone THEN Idle
               ELSE [next EXCEPT !.pc = IF next.hand = {} THEN "decide" ELSE "act"]]
        \* A message is acknowledged when everything that it told is stored.
        /\ reports' = IF isDone THEN reports \ next.message ELSE reports

\* flows/fill.rs::fill, woken by a report. A message that somebody works on is hidden.
Hear(w) ==
    /\ worker[w].pc = "idle"
    /\ \E m \in reports :
        /\ \A v \in Workers : m \notin worker[v].message
        /\ worker' = [worker EXCEPT ![w] =
               [Looking(Business(m[1])) EXCEPT !.facts = {<<"ended", m[1]>>}, !.message = {m}]]
    /\ NoFault /\ UNCHANGED <<item, tries, carrier, reports, woken, records, clients, ceiling>>

\* flows/fill.rs::fill, woken by the sweep, a start, a stop, a new limit, or itself.
Look(w, b) ==
    /\ worker[w].pc = "idle" /\ HasRoom(b)
    /\ WakeUps => b \in woken
    /\ worker' = [worker EXCEPT ![w] = Looking(b)]
    /\ woken' = woken \ {b}
    /\ NoFault /\ UNCHANGED <<item, tries, carrier, reports, records, clients, ceiling>>

\* A worker's reading, as others write: outdated. What an outdated one says does not
\* matter where the revision is checked, so it is not kept.
Outdated(b, w) ==
    [v \in Workers |->
        IF v # w /\ worker[v].business = b /\ Flaw # "no revision check"
        THEN [worker[v] EXCEPT !.seen = {}] ELSE worker[v]]

Minted(new) == [j \in Jobs |-> IF \E c \in new : Job(c) = j THEN tries[j] + 1 ELSE tries[j]]

\* Whatever `w` decided on its reading, in one write. Its next reading is what it wrote.
Write(w, s, to) ==
    LET b == worker[w].business
        new == to.active \ s.active
        next == [worker[w] EXCEPT !.pc = "act", !.seen = IF Readings THEN {to} ELSE {},
                                  !.facts = {}, !.hand = new]
        isDone == new = {}
    IN  /\ item' = IF to = s THEN item
                   ELSE IF Flaw = "one counter for all"
                        THEN [a \in Businesses |-> IF a = b THEN to ELSE [item[a] EXCEPT !.count = to.count]]
                   ELSE [item EXCEPT ![b] = to]
        /\ worker' = [(IF to # s THEN Outdated(b, w) ELSE worker) EXCEPT ![w] =
               IF isDone THEN Idle ELSE next]
        /\ reports' = IF isDone THEN reports \ worker[w].message ELSE reports
        /\ tries' = Minted(new)
        /\ ceiling' = IF new = {} THEN ceiling ELSE [ceiling EXCEPT ![b] = item[b].limit]
        /\ known' = {c \in known : Business(c) = b => c \in to.active}
        \* A look has another round for the runs that are over, and a direct call wakes the
        \* business for the slots that it did not use.
        /\ IF Over(to) # {} \/ worker[w].wish > 0 THEN Wake(b) ELSE UNCHANGED woken
        /\ NoFault /\ UNCHANGED <<carrier, record, clients>>

\* flows/fill/decide.rs::decide: facts applied and slots claimed, in one write.
Commit(w) ==
    /\ worker[w].pc = "decide" /\ worker[w].wish = 0
    /\ \E s \in Reading(w) :
        LET told == IF Flaw = "the stop in another item" THEN SeeStops(s, worker[w].stops) ELSE s
            freed == ApplyAll(told, worker[w].facts)
        IN  \E to \in Filled(freed, worker[w].business) : Write(w, s, DropOver(to))

\* flows/claim.rs::commit, refused: the refusal brings the newer item.
ReadAgain(w) ==
    /\ Readings /\ worker[w].pc = "decide" /\ worker[w].seen = {}
    /\ worker' = [worker EXCEPT ![w].seen = {item[worker[w].business]}, ![w].stops = stopped]
    /\ NoFault
    /\ UNCHANGED <<item, tries, carrier, reports, woken, records, clients, ceiling>>

\* flows/start/direct.rs::start: somebody asks for a call at once.
AskForCall(w, d) ==
    /\ worker[w].pc = "idle" /\ d \in Directs \ asked
    /\ asked' = asked \cup {d}
    /\ worker' = [worker EXCEPT ![w] = [Looking(1) EXCEPT !.wish = d, !.asks = FALSE]]
    /\ NoFault
    /\ UNCHANGED <<item, tries, carrier, reports, woken, records, stopped, resets, ceiling>>

\* core/start.rs::start_calls: a slot at once, or none.
CommitDirect(w) ==
    /\ worker[w].pc = "decide" /\ worker[w].wish > 0 /\ worker[w].facts = {}
    /\ \E s \in Reading(w) :
        LET job == <<0, worker[w].wish>>
            isBusy == \/ Used(s) >= Room(s)
                      \/ Number(job) \in {Number(c) : c \in s.active}
        IN  Write(w, s, IF isBusy THEN s ELSE Lease(s, job))

\* flows/start/direct.rs::give_up_refused: frees, claims nothing, and wakes the business.
CommitRefusals(w) ==
    /\ worker[w].pc = "decide" /\ worker[w].wish > 0 /\ worker[w].facts # {}
    /\ \E s \in Reading(w) : Write(w, s, ApplyAll(s, worker[w].facts))

(***************************************************************************)
(* Placing: flows/place.rs and the carrier's answers.                      *)
(***************************************************************************)

\* The request of `w` about `c` is answered, and the answer makes `facts` known.
Answered(w, c, facts) ==
    /\ Goes(w, [worker[w] EXCEPT !.hand = @ \ {c}, !.facts = @ \cup facts])
    /\ UNCHANGED <<item, tries, woken, record, clients, ceiling>>

Create(c) ==
    /\ made' = [made EXCEPT ![Job(c)] = @ + 1]
    /\ live' = live \cup {<<c, made[Job(c)] + 1>>}

\* flows/place.rs::place, and `Placed`.
Accept(w) == \E c \in worker[w].hand :
    Answered(w, c, {}) /\ Create(c) /\ known' = known \cup {c} /\ NoFault /\ UNCHANGED pending
\* Nobody writes its SID down: that fails, or the worker dies over it.
AcceptUnrecorded(w) == \E c \in worker[w].hand :
    Answered(w, c, {}) /\ Create(c) /\ Fault("unrecorded") /\ UNCHANGED <<pending, known>>
RefuseLead(w) == \E c \in worker[w].hand :
    Answered(w, c, {<<"ended", c>>}) /\ Fault("refused") /\ UNCHANGED <<carrier, known>>
RefuseConfiguration(w) == \E c \in worker[w].hand :
    /\ Answered(w, c, {<<"configuration refused", c>>}) /\ Fault("misconfigured")
    /\ UNCHANGED <<carrier, known>>
NotProcess(w) == \E c \in worker[w].hand :
    Answered(w, c, {<<"not processed", c>>}) /\ Fault("busy") /\ UNCHANGED <<carrier, known>>

\* A timeout, a reset or a 5xx. The carrier may take the request yet, or never.
NotAnswer(w) == \E c \in worker[w].hand \ pending :
    /\ pending' = pending \cup {c} /\ Fault("silent")
    /\ Goes(w, [worker[w] EXCEPT
           !.hand = IF Flaw = "an unclear create is repeated" THEN @ ELSE @ \ {c},
           !.facts = IF Flaw = "freed on a 5xx" THEN @ \cup {<<"ended", c>>} ELSE @])
    /\ UNCHANGED <<item, tries, made, live, woken, records, clients, ceiling>>

\* The fence passes while `w` sleeps before its request; awake again, it sees that it is
\* too late and gives the lead back.
OversleepFence(w) == \E c \in worker[w].hand \ worker[w].late :
    /\ Fault("pause")
    /\ Goes(w, IF Flaw = "dialled after the fence" THEN [worker[w] EXCEPT !.late = @ \cup {c}]
               ELSE [worker[w] EXCEPT !.hand = @ \ {c}, !.facts = @ \cup {<<"not processed", c>>}])
    /\ UNCHANGED <<item, tries, carrier, woken, records, clients, ceiling>>

(***************************************************************************)
(* Settling, filing, ending: flows/settle.rs, flows/fill.rs.               *)
(***************************************************************************)

\* What the carrier says of `c`.
Answer(s, c, stale) ==
    CASE Flaw = "a clock frees" -> "ended"
      [] c \in stale -> "not found"
      [] WasMade(c) /\ ~IsLive(c) -> "ended"
      [] IsLive(c) /\ c \in ToHangUp(s) -> "ended"
      [] IsLive(c) -> "still live"
      [] c \in s.missed -> "not found again"
      [] OTHER -> "not found"

\* flows/settle.rs::settle: asks about every silent call, in the first round of a look, and ends
\* those of a run that hangs up.
Ask(w, b) ==
    LET s == item[b]
        asks(stale) == ToAsk(s) \cup stale
        answers(stale) == {<<Answer(s, c, stale), c>> : c \in asks(stale)}
        asker == IF worker[w].pc = "idle" THEN Looking(b) ELSE worker[w]
        knows(stale) == [asker EXCEPT !.asks = FALSE, !.facts = @ \cup answers(stale)]
    IN  /\ \/ worker[w].pc = "idle" /\ (WakeUps => b \in woken)
           \/ worker[w].pc = "act" /\ worker[w].asks /\ worker[w].business = b
        /\ \/ ToAsk(s) # {} /\ NoFault /\ Goes(w, knows({}))
           \/ \E c \in Askable(s) : CanBeStale(s, c) /\ Fault("stale") /\ Goes(w, knows({c}))
        /\ live' = {call \in live : call[1] \notin ToHangUp(s)}
        \* Whatever is found is recorded before the state learns of it.
        /\ known' = known \cup {c \in Askable(s) : <<"still live", c>> \in worker'[w].facts}
        /\ woken' = IF worker[w].pc = "idle" THEN woken \ {b} ELSE woken
        /\ UNCHANGED <<item, tries, pending, made, record, clients, ceiling>>

\* flows/fill.rs::file: the counts go to the run record; only then may the state forget them.
File(w, b) ==
    LET s == item[b]
        over == Over(s)
    IN  /\ worker[w].pc = "idle" /\ over # {} /\ (WakeUps => b \in woken)
        /\ record' = [r \in Runs |-> IF r \in over /\ record[r] = <<>>
                          THEN <<s.runs[r].ended, s.runs[r].canceled>> ELSE record[r]]
        /\ Goes(w, [Looking(b) EXCEPT !.facts = {<<"filed", <<r>>>> : r \in over}])
        /\ woken' = woken \ {b}
        /\ NoFault /\ UNCHANGED <<item, tries, carrier, known, clients, ceiling>>

\* Anywhere. What it had in hand is lost; the message is delivered again.
Crash(w) ==
    /\ worker[w].facts # {} \/ worker[w].hand # {}
    /\ Fault("crash")
    /\ worker' = [worker EXCEPT ![w] = Idle]
    /\ UNCHANGED <<item, tries, carrier, reports, woken, records, clients, ceiling>>

(***************************************************************************)
(* The carrier, the queue, the clock.                                      *)
(***************************************************************************)

\* A request that nobody waits for any more is taken, or is not.
TakeLate == \E c \in pending :
    /\ pending' = pending \ {c} /\ Create(c) /\ NoFault
    /\ UNCHANGED <<item, worker, tries, reports, woken, records, clients, ceiling>>
NeverTake(j) == \E c \in pending :
    /\ Job(c) = j /\ pending' = pending \ {c} /\ NoFault
    /\ UNCHANGED <<item, worker, tries, made, live, reports, woken, records, clients, ceiling>>

Hangs(j, copies) == \E call \in live :
    /\ Job(call[1]) = j /\ live' = live \ {call}
    /\ reports' = reports \cup {<<call[1], k>> : k \in copies}
    /\ UNCHANGED <<item, worker, tries, pending, made, woken, records, clients, ceiling>>
CallEnds(j) == Hangs(j, {1}) /\ NoFault
ReportLost(j) == Hangs(j, {}) /\ Fault("lost")
ReportDoubled(j) == Hangs(j, {1, 2}) /\ Fault("doubled")

\* functions/sweep/src/lib.rs::handle: wakes every business that has work.
Sweep(b) ==
    /\ WakeUps /\ Flaw # "no sweep" /\ b \notin woken /\ HasWork(b)
    /\ woken' = woken \cup {b}
    /\ NoFault
    /\ UNCHANGED <<item, worker, tries, carrier, reports, records, clients, ceiling>>

LoseWakeUp(b) ==
    /\ b \in woken /\ woken' = woken \ {b} /\ Fault("lost")
    /\ UNCHANGED <<item, worker, tries, carrier, reports, records, clients, ceiling>>

(***************************************************************************)
(* The clients. Each reads, decides and commits: as one step, for a commit *)
(* passes only where nobody has written since the reading.                 *)
(***************************************************************************)

WriteByClient(b, to) ==
    /\ item' = [item EXCEPT ![b] = to]
    /\ worker' = Outdated(b, {})
    /\ Wake(b)
    /\ NoFault /\ UNCHANGED <<tries, carrier, reports, records, asked, ceiling>>

\* flows/stop.rs::stop_run, core/stop.rs::stop.
Stop(r, how) ==
    LET b == Business(<<r>>)
        run == item[b].runs[r]
    IN  /\ \/ run.phase = "running" /\ r \notin stopped /\ ~IsOver(item[b], r)
           \/ run.phase = "stopped" /\ how = "hanging up" /\ Leases(item[b], r) # {}
        /\ WriteByClient(b, IF Flaw = "the stop in another item" THEN item[b]
                            ELSE [item[b] EXCEPT !.runs[r] = Cancel(@, how)])
        /\ stopped' = stopped \cup {r}
        /\ UNCHANGED resets

\* flows/business.rs::set.
SetLimit(b, limit) ==
    /\ resets = 0 /\ limit # item[b].limit
    /\ WriteByClient(b, [item[b] EXCEPT !.limit = limit])
    /\ resets' = 1
    /\ UNCHANGED stopped

(***************************************************************************)
(* All together.                                                           *)
(***************************************************************************)

IsOverFor(b) ==
    item[b].active = {} /\ \A r \in RunsOf(b) : item[b].runs[r].phase = "gone"
Rest ==
    /\ \A b \in Businesses : IsOverFor(b)
    /\ reports = {} /\ \A w \in Workers : worker[w].pc = "idle"
    /\ UNCHANGED vars

Next ==
    \/ \E w \in Workers :
        \/ Hear(w) \/ Commit(w) \/ ReadAgain(w) \/ CommitDirect(w) \/ CommitRefusals(w)
        \/ \E b \in Businesses : Look(w, b) \/ Ask(w, b) \/ File(w, b)
        \/ \E d \in Directs : AskForCall(w, d)
        \/ Accept(w) \/ AcceptUnrecorded(w) \/ RefuseLead(w) \/ RefuseConfiguration(w)
        \/ NotProcess(w) \/ NotAnswer(w) \/ OversleepFence(w) \/ Crash(w)
    \/ TakeLate
    \/ \E j \in Jobs : NeverTake(j) \/ CallEnds(j) \/ ReportLost(j) \/ ReportDoubled(j)
    \/ \E b \in Businesses : Sweep(b) \/ LoseWakeUp(b)
    \/ \E r \in Stoppable : \E how \in Stops : Stop(r, how)
    \/ \E b \in Businesses : \E limit \in Limits : SetLimit(b, limit)
    \/ Rest

\* Whoever can go on without a fault does. No client need ask for anything.
Work(w) ==
    \/ Hear(w) \/ Commit(w) \/ ReadAgain(w) \/ CommitDirect(w) \/ CommitRefusals(w) \/ Accept(w)
    \/ \E b \in Businesses : Look(w, b) \/ Ask(w, b) \/ File(w, b)
Spec == Init /\ [][Next]_vars
FairSpec ==
    /\ Spec
    /\ \A w \in Workers : WF_vars(Work(w))
    /\ \A j \in Jobs : WF_vars(NeverTake(j))
    /\ \A j \in {j \in Jobs : Business(j) \notin Endless} : WF_vars(CallEnds(j))
    /\ \A b \in Businesses : WF_vars(Sweep(b))

(***************************************************************************)
(* The promise.                                                            *)
(***************************************************************************)

CallsOf(b) == {call \in live : Business(call[1]) = b}

\* At its newest claim a business had no more leases than its limit was then, and since
\* then leases have only gone.
NeverExceed == \A b \in Businesses : Cardinality(CallsOf(b)) <= ceiling[b]
NoDuplicateDial == \A j \in Jobs : made[j] <= 1
OneCallPerNumber ==
    \A a, b \in live : a # b /\ Business(a[1]) = Business(b[1]) => Number(a[1]) # Number(b[1])
SlotCoversCall ==
    /\ \A call \in live : call[1] \in item[Business(call[1])].active
    /\ \A c \in pending : c \in item[Business(c)].active
CountsAddUp ==
    \A b \in Businesses : \A r \in RunsOf(b) :
        LET run == item[b].runs[r]
        IN  run.phase # "gone" =>
                Cardinality(run.waiting) + Cardinality(Leases(item[b], r)) + run.ended
                    + run.canceled = Sizes[r]
\* A run that the state forgets is filed, with an outcome for every lead.
NoLostRun ==
    \A r \in Runs :
        /\ item[Business(<<r>>)].runs[r].phase = "gone" => record[r] # <<>>
        /\ record[r] # <<>> => record[r][1] + record[r][2] = Sizes[r]

NewLeases(b) == item'[b].active \ item[b].active
NothingAfterStop ==
    [][\A b \in Businesses : \A c \in NewLeases(b) : c[1] \notin stopped]_vars
NoClaimAtLimit ==
    [][\A b \in Businesses :
        NewLeases(b) # {} => Cardinality(item'[b].active) <= item'[b].limit]_vars
\* No step of one business touches the item of another.
Apart ==
    [][\A a, b \in Businesses : a # b => item'[a] = item[a] \/ item'[b] = item[b]]_vars

\* Faults are bounded, so they cease: then every run ends and every slot is free.
EveryRunEnds == <>[](\A b \in Businesses \ Endless : IsOverFor(b))
=============================================================================
