#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace baton::sim {

/// What a storm must have met, over all its seeds, to have said anything.
enum class Met : std::uint8_t {
  batons_agreed,
  handle_refused,
  handle_offered_again,
  ours_after_four_refusals,
  ours_after_death,
  ours_from_the_queue,
  in_doubt,
  part_of_a_write_with_a_descriptor,
  descriptor_cut_off,
  killed_before_its_ack,
  killed_before_its_delivery,
  killed_with_unread_input,
  primary_killed,
  reset,
  output_broke,
  disconnected_with_a_queue,
  disconnected_with_offers,
  handle_after_the_end,
  answered_after_half_close,
  handle_sent_back,
  offers_at_the_limit,
  queue_full,
  too_many_references,
  stopped_with_handles,
  node_refused,
  node_wrapped_twice,
  node_died_before_its_ack,
  input_refused,
  stray_descriptor,
  early_answer,
  all_closed_told,
  offer_refused,
  offer_kept_after_its_ack,
  offer_ours_after_death,
  offer_taken_out_of_the_queue,
  internal_overtook_messages,
  read_elsewhere,
  read_elsewhere_after_it_waited,
  read_ahead,
  datagram_came,
  reload_done,
  reload_failed,
  last_call,
  retired,
  reload_merged,
  scaled_during_a_reload,
  reloaded_beside_one_who_never_ends,
  terminated_after_its_channel,
  killed_for_time,
  killed_as_never_ready,
  gave_up,
  never_ready,
  cluster_accepted,
  cluster_nack,
  cluster_handle_lost,
  cluster_taken_back_at_death,
  cluster_channel_ended_with_offers,
  cluster_handed_on,
  cluster_window_full,
  cluster_batch_of_answers,
  cluster_query_refused,
  cluster_open_failed,
  cluster_opened_late,
  cluster_share_failed,
  cluster_worker_accepted,
  cluster_orphaned_socket_served,
  cluster_orphan_terminated,
  cluster_orphan_killed,
  cluster_hung_worker_killed,
  cluster_listener_closed,
  cluster_dropped_with_its_listener,
  cluster_listener_outlived_its_workers,
  cluster_worker_left_by_itself,
  cluster_told_to_leave_with_connections,
  cluster_primary_killed,
  cluster_killed_with_connections,
  cluster_stopped_with_connections,
  node_served_before_it_answered,
  count
};
inline constexpr std::size_t met_count = static_cast<std::size_t>(Met::count);

std::string_view name_of(Met event);
/// How often each event was met since the program began.
std::array<std::uint64_t, met_count>& coverage();
inline void met(Met event) { ++coverage()[static_cast<std::size_t>(event)]; }

}  // namespace baton::sim
