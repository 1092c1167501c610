//! Toolset `notifications`. Notification profiles and what they are attached to.

use super::toolset::toolset;

toolset! {
    "notifications": "Notification profiles and what they are attached to.";
    tools {
        list_notification_profiles(ListNotificationProfilesArgs): "List notification profiles", read;
        get_notification_profiles(GetNotificationProfilesArgs): "Notification profiles of a device", read;
        associate_notification_profiles(AssociateNotificationProfilesArgs): "Apply notification profiles", write idempotent;
        update_notification_profile_status(UpdateNotificationProfileStatusArgs): "Enable or disable notification profile", write idempotent overwrites;
    }
}
