# The table of `./dev interop`: what is done, between which ends (parent > child), with which version. Read are the file of
# versions ("MAJOR VERSION", "-" if it cannot be had) and the file of results ("MAJOR PROGRAM TEST ok|skipped|FAILED").

# "GetsBackEveryKindOfJson" and "is_msg_the_descriptor" as words.
function words(name,   i, c, text) {
  for (i = 1; i <= length(name); i++) {
    c = substr(name, i, 1)
    if (c == "_") c = " "
    else if (i > 1 && c ~ /[A-Z]/) c = " " tolower(c)
    text = text c
  }
  return toupper(substr(text, 1, 1)) substr(text, 2)
}

# Who is at the two ends, as the test's fixture and parameter say it; then how they differ from their neighbours.
function ends_of(fixture, sentence, parameter,   parent, child, how, pair) {
  if (match(parameter, /^Parent_[a-z]+_Child_[a-z]+$/)) {
    split(parameter, pair, "_")
    return pair[2] " > " pair[4]
  }
  if (parameter == "Cpp") parameter = "C++"
  # One end alone, against recorded bytes.
  if (fixture == "PrimaryWire") return parameter " > bytes"
  if (fixture == "WorkerWire") return "bytes > " parameter
  if (fixture == "Runtime") return sentence ~ /AsAParent|AsAPrimary/ ? "it > C++" : "C++ > it"
  if (fixture == "CppPrimary") { parent = "C++"; child = "Node" }
  if (fixture ~ /EchoPrimaryOfNode/) { parent = "C++"; child = "Node" }
  if (fixture == "BatonsAtBothEnds") child = "C++"
  if (fixture == "CppWorker") { parent = "Node"; child = "C++" }
  if (fixture ~ /CppParent|CppTaker|BatonsAtBothEnds|AdvancedNodeChild/ || sub(/CppParent/, "", parameter)) parent = "C++"
  if (fixture ~ /NodeParent|NodeTaker/ || sub(/NodeParent/, "", parameter)) parent = "Node"
  if (sub(/CppChild/, "", parameter)) child = "C++"
  if (sub(/NodeChild/, "", parameter)) child = "Node"
  if (sub(/Advanced$/, "", parameter)) how = "advanced"
  if (parent != "" && child != "") parent = parent " > " child
  if (parameter != "") parent = parent (parent == "" ? "" : ", ") (parameter ~ /^[A-Z][a-z]/ && parameter != "Node" ? tolower(words(parameter)) : parameter)
  return parent (how == "" ? "" : (parent == "" ? "" : ", ") "advanced")
}

function cell(row, major) {
  if (version[major] == "-") return "skipped"
  return (row, major) in result ? result[row, major] : "-"
}

function line(what, who, row, kind,   i, text) {
  text = sprintf("%-*s  %-*s", wide, what, narrow, who)
  for (i = 1; i <= count; i++) text = text sprintf("  %10s", row != "" ? cell(row, majors[i]) : version[majors[i]] == "-" ? "skipped" : sum[majors[i], kind] + 0)
  print text
}

NR == FNR { majors[++count] = $1; version[$1] = $2; next }

{
  name = $3
  sub(/^[^\/.]*\//, "", name)  # the instantiation's name
  dot = index(name, "."); slash = index(name, "/")
  fixture = substr(name, 1, dot - 1)
  sentence = slash ? substr(name, dot + 1, slash - dot - 1) : substr(name, dot + 1)
  row = $2 " " $3
  if (!(row in what)) {
    what[row] = dot ? words(sentence) : $3
    who[row] = ends_of(fixture, sentence, slash ? substr(name, slash + 1) : "")
    group = $2 " " what[row]
    if (!(group in members)) groups[++height] = group
    members[group] = members[group] row "\n"
    if (length(what[row]) > wide) wide = length(what[row])
    if (length(who[row]) > narrow) narrow = length(who[row])
  }
  result[row, $1] = $4
  sum[$1, $4]++
}

END {
  text = sprintf("%-*s  %-*s", wide, "what", narrow, "parent > child")
  for (i = 1; i <= count; i++) text = text sprintf("  %10s", version[majors[i]] == "-" ? majors[i] : version[majors[i]])
  print text
  for (g = 1; g <= height; g++) {
    program = groups[g]; sub(/ .*/, "", program)
    if (program != last) print "-- " program
    last = program
    parts = split(members[groups[g]], rows, "\n")
    for (r = 1; r < parts; r++) line(r == 1 ? what[rows[r]] : "", who[rows[r]], rows[r])
  }
  print ""
  line("passed", "", "", "ok"); line("skipped", "", "", "skipped"); line("failed", "", "", "FAILED")
}
