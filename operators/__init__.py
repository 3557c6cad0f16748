# SPDX-License-Identifier: GPL-3.0-or-later
"""What buttons do: one operator in each file."""

from .accept_photo import PHOTOREAL_OT_accept_photo
from .add_angle import PHOTOREAL_OT_add_angle
from .ask_price import PHOTOREAL_OT_ask_price
from .build_studio import PHOTOREAL_OT_build_studio
from .cancel_at_fal import PHOTOREAL_OT_cancel_at_fal
from .cancel_here import PHOTOREAL_OT_cancel_here
from .choose_endpoint import PHOTOREAL_OT_choose_endpoint
from .choose_folder import PHOTOREAL_OT_choose_folder
from .choose_take import PHOTOREAL_OT_choose_take
from .close_notice import PHOTOREAL_OT_close_notice
from .compare_pictures import PHOTOREAL_OT_compare_pictures
from .copy_text import PHOTOREAL_OT_copy_text
from .default_look import PHOTOREAL_OT_default_look
from .drops import PHOTOREAL_FH_model, PHOTOREAL_FH_photos
from .edit_angles import PHOTOREAL_OT_edit_angles
from .edit_product import PHOTOREAL_OT_edit_product
from .export_set import PHOTOREAL_OT_export_set
from .flip_picture import PHOTOREAL_OT_flip_picture
from .forget_key import PHOTOREAL_OT_forget_key
from .frame_angle import PHOTOREAL_OT_frame_angle
from .generate_catalogue import PHOTOREAL_OT_generate_catalogue
from .generate_here import PHOTOREAL_OT_generate_here
from .generate_model import PHOTOREAL_OT_generate_model
from .generate_set import PHOTOREAL_OT_generate_set
from .import_photos import PHOTOREAL_OT_import_photos
from .import_product import PHOTOREAL_OT_import_product
from .mark_asset import PHOTOREAL_OT_mark_asset
from .move_angle import PHOTOREAL_OT_move_angle
from .new_prompt import PHOTOREAL_OT_new_prompt
from .open_folder import PHOTOREAL_OT_open_folder
from .open_manual import PHOTOREAL_OT_open_manual
from .open_picture import PHOTOREAL_OT_open_picture
from .open_preferences import PHOTOREAL_OT_open_preferences
from .open_report import PHOTOREAL_OT_open_report
from .open_results import PHOTOREAL_OT_open_results
from .open_set import PHOTOREAL_OT_open_set
from .place_photos import PHOTOREAL_OT_place_photos
from .place_video import PHOTOREAL_OT_place_video
from .redo_angle import PHOTOREAL_OT_redo_angle
from .redo_model import PHOTOREAL_OT_redo_model
from .remove_angle import PHOTOREAL_OT_remove_angle
from .remove_photo import PHOTOREAL_OT_remove_photo
from .remove_studio import PHOTOREAL_OT_remove_studio
from .render_references import PHOTOREAL_OT_render_references
from .resolve_uncertain import PHOTOREAL_OT_resolve_uncertain
from .resume_catalogue import PHOTOREAL_OT_resume_catalogue
from .resume_set import PHOTOREAL_OT_resume_set
from .run_doctor import PHOTOREAL_OT_run_doctor
from .save_look import PHOTOREAL_OT_save_look
from .show_result import PHOTOREAL_OT_show_result
from .show_run import PHOTOREAL_OT_show_run
from .show_studio import PHOTOREAL_OT_show_studio
from .step_angle import PHOTOREAL_OT_step_angle
from .step_take import PHOTOREAL_OT_step_take
from .test_key import PHOTOREAL_OT_test_key
from .to_compositor import PHOTOREAL_OT_to_compositor
from .use_cameras import PHOTOREAL_OT_use_cameras
from .view_request import PHOTOREAL_OT_view_request

CLASSES = (
    PHOTOREAL_OT_accept_photo,
    PHOTOREAL_OT_add_angle,
    PHOTOREAL_OT_ask_price,
    PHOTOREAL_OT_build_studio,
    PHOTOREAL_OT_cancel_at_fal,
    PHOTOREAL_OT_cancel_here,
    PHOTOREAL_OT_choose_endpoint,
    PHOTOREAL_OT_choose_folder,
    PHOTOREAL_OT_choose_take,
    PHOTOREAL_OT_close_notice,
    PHOTOREAL_OT_compare_pictures,
    PHOTOREAL_OT_copy_text,
    PHOTOREAL_OT_default_look,
    PHOTOREAL_FH_model,
    PHOTOREAL_FH_photos,
    PHOTOREAL_OT_edit_angles,
    PHOTOREAL_OT_edit_product,
    PHOTOREAL_OT_export_set,
    PHOTOREAL_OT_flip_picture,
    PHOTOREAL_OT_forget_key,
    PHOTOREAL_OT_frame_angle,
    PHOTOREAL_OT_generate_catalogue,
    PHOTOREAL_OT_generate_here,
    PHOTOREAL_OT_generate_model,
    PHOTOREAL_OT_generate_set,
    PHOTOREAL_OT_import_photos,
    PHOTOREAL_OT_import_product,
    PHOTOREAL_OT_mark_asset,
    PHOTOREAL_OT_move_angle,
    PHOTOREAL_OT_new_prompt,
    PHOTOREAL_OT_open_folder,
    PHOTOREAL_OT_open_manual,
    PHOTOREAL_OT_open_picture,
    PHOTOREAL_OT_open_preferences,
    PHOTOREAL_OT_open_report,
    PHOTOREAL_OT_open_results,
    PHOTOREAL_OT_open_set,
    PHOTOREAL_OT_place_photos,
    PHOTOREAL_OT_place_video,
    PHOTOREAL_OT_redo_angle,
    PHOTOREAL_OT_redo_model,
    PHOTOREAL_OT_remove_angle,
    PHOTOREAL_OT_remove_photo,
    PHOTOREAL_OT_remove_studio,
    PHOTOREAL_OT_render_references,
    PHOTOREAL_OT_resolve_uncertain,
    PHOTOREAL_OT_resume_catalogue,
    PHOTOREAL_OT_resume_set,
    PHOTOREAL_OT_run_doctor,
    PHOTOREAL_OT_save_look,
    PHOTOREAL_OT_step_angle,
    PHOTOREAL_OT_show_result,
    PHOTOREAL_OT_show_run,
    PHOTOREAL_OT_show_studio,
    PHOTOREAL_OT_step_take,
    PHOTOREAL_OT_test_key,
    PHOTOREAL_OT_to_compositor,
    PHOTOREAL_OT_use_cameras,
    PHOTOREAL_OT_view_request,
)
